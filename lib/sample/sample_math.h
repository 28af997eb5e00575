/*
 * exp and log that give the same bits on every machine: plain double arithmetic in a fixed order
 * (compiled with -ffp-contract=off), no libm. Both are within 2 units in the last place.
 */
#ifndef INF_SAMPLE_MATH_H
#define INF_SAMPLE_MATH_H

#include <stdint.h>
#include <string.h>

#define INF_LN2 0x1.62e42fefa39efp-1
#define INF_LN2_HI 0x1.62e42fefap-1 /* 34 bits, so that its product with an exponent is exact */
#define INF_LN2_LO 0x1.cf79abc9e3b3ap-40

/* e^x for x <= 0; 0 below -708, where e^x leaves the normal doubles. x = k ln 2 + r, |r| <= ln 2 /
 * 2, and the Taylor series of e^r to r^13, whose rest is below 2^-57. No branches: loops over it
 * vectorise. */
static inline double inf_exp(double x)
{
    static const double round = 0x1.8p52; /* adding it leaves the nearest integer in the low bits */
    double inside = x < -708.0 ? 0.0 : 1.0;
    x = x < -708.0 ? -708.0 : x;
    double shifted = x * 0x1.71547652b82fep0 + round;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    double k = shifted - round;
    double r = x - k * INF_LN2_HI - k * INF_LN2_LO;
    double e = 1.0 / 6227020800.0;
    e = e * r + 1.0 / 479001600.0;
    e = e * r + 1.0 / 39916800.0;
    e = e * r + 1.0 / 3628800.0;
    e = e * r + 1.0 / 362880.0;
    e = e * r + 1.0 / 40320.0;
    e = e * r + 1.0 / 5040.0;
    e = e * r + 1.0 / 720.0;
    e = e * r + 1.0 / 120.0;
    e = e * r + 1.0 / 24.0;
    e = e * r + 1.0 / 6.0;
    e = e * r + 0.5;
    e = e * r + 1.0;
    e = e * r + 1.0;
    bits = (bits + 1023) << 52; /* 2^k */
    double scale;
    memcpy(&scale, &bits, sizeof scale);
    return e * scale * inside;
}

/* ln x for a normal x > 0: x = 2^k m, m in [1/sqrt 2, sqrt 2), ln m = 2 artanh((m - 1)/(m + 1)). */
static inline double inf_log(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int64_t k = (int64_t)((bits - 0x3fe6a09e667f3bcdu) >> 52); /* from the bits of 1/sqrt 2 on */
    k = k >= 2048 ? k - 4096 : k;
    bits -= (uint64_t)k << 52;
    double m;
    memcpy(&m, &bits, sizeof m);
    double s = (m - 1.0) / (m + 1.0), z = s * s, sum = 1.0 / 23.0;
    for (int n = 21; n >= 3; n -= 2)
        sum = sum * z + 1.0 / n;
    return (double)k * INF_LN2_HI + (2.0 * s + (2.0 * s * z * sum + (double)k * INF_LN2_LO));
}

#endif
