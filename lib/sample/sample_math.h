/*
 * exp and log that give the same bits on every machine: plain double arithmetic in a fixed order
 * (compiled with -ffp-contract=off), no libm. Both are within 2 units in the last place.
 */
#ifndef INF_SAMPLE_MATH_H
#define INF_SAMPLE_MATH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INF_LN2 0x1.62e42fefa39efp-1
#define INF_LN2_HI 0x1.62e42fefap-1 /* 34 bits, so that its product with an exponent is exact */
#define INF_LN2_LO 0x1.cf79abc9e3b3ap-40

/* e^x for x <= 0; 0 below -708, where e^x leaves the normal doubles. x = k ln 2 + r, |r| <= ln 2 /
 * 2, and the Taylor series of e^r to r^13, whose rest is below 2^-57. No branches, so that loops
 * over it become vectors. */
static inline double inf_exp(double x)
{
    static const double round = 0x1.8p52; /* adding it leaves the nearest integer in the low bits */
    double shifted = x * 0x1.71547652b82fep0 + round;
    uint64_t bits, size;
    memcpy(&bits, &shifted, sizeof bits);
    memcpy(&size, &x, sizeof size);
    size &= INT64_MAX; /* of |x|; its order is that of |x| */
    uint64_t inside = ((0x4086200000000000u - size) >> 63) - 1; /* all ones to 708, else 0 */
    double k = shifted - round;
    double r = x - k * INF_LN2_HI - k * INF_LN2_LO;
    double r2 = r * r, r4 = r2 * r2, r8 = r4 * r4; /* Estrin's scheme: short chains */
    double low = (1.0 + r) + r2 * (1.0 / 2 + r * (1.0 / 6));
    double mid = (1.0 / 24 + r * (1.0 / 120)) + r2 * (1.0 / 720 + r * (1.0 / 5040));
    double high = (1.0 / 40320 + r * (1.0 / 362880)) + r2 * (1.0 / 3628800 + r * (1.0 / 39916800));
    double top = 1.0 / 479001600 + r * (1.0 / 6227020800);
    double e = (low + r4 * mid) + r8 * (high + r4 * top);
    bits = (bits + 1023) << 52; /* 2^k */
    double power;
    memcpy(&power, &bits, sizeof power);
    e *= power;
    memcpy(&bits, &e, sizeof bits);
    bits &= inside;
    memcpy(&e, &bits, sizeof e);
    return e;
}

#define INF_EXP_BATCH 64

/* Sum of e^x over batches of values x <= 0: sixteen partial sums over the index mod 16, added as a
 * tree. Compilers make vectors of its loops. */
struct inf_exp_sum {
    double part[16];
};

/* x[count], count <= INF_EXP_BATCH, and only the last batch is shorter; x is overwritten. */
static inline void inf_exp_sum_add(struct inf_exp_sum *sum, double *x, size_t count)
{
    for (size_t i = count; i < INF_EXP_BATCH; i++)
        x[i] = -1e300; /* its e^x is 0 */
    for (size_t i = 0; i < INF_EXP_BATCH; i++)
        x[i] = inf_exp(x[i]);
    for (size_t i = 0; i < INF_EXP_BATCH; i += 16)
        for (size_t lane = 0; lane < 16; lane++)
            sum->part[lane] += x[i + lane];
}

static inline double inf_exp_sum_total(struct inf_exp_sum *sum)
{
    for (size_t width = 8; width > 0; width /= 2)
        for (size_t lane = 0; lane < width; lane++)
            sum->part[lane] += sum->part[lane + width];
    return sum->part[0];
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
