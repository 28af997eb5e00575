/* inf_exp of kernel.h over a v16. */
#ifndef INF_EXP_SIMD_H
#define INF_EXP_SIMD_H

/* For x not above 89, NaN among them. */
static inline v16 exp_below_v16(v16 x)
{
    v16 t = v16_rint(v16_mul(x, v16_set(INF_EXP_LOG2E)));
    v16 r = v16_fma(t, v16_set(-INF_EXP_LN2_HI), x);
    r = v16_fma(t, v16_set(-INF_EXP_LN2_LO), r);
    v16 h = v16_set(INF_EXP_C7);
    h = v16_fma(h, r, v16_set(INF_EXP_C6));
    h = v16_fma(h, r, v16_set(INF_EXP_C5));
    h = v16_fma(h, r, v16_set(INF_EXP_C4));
    h = v16_fma(h, r, v16_set(INF_EXP_C3));
    h = v16_fma(h, r, v16_set(INF_EXP_C2));
    h = v16_fma(h, v16_mul(r, r), r);
    v16 p = v16_power2(v16_add(h, v16_set(1.0f)), t);
    return v16_if_less(x, v16_set(-104.0f), v16_set(0.0f), p);
}

static inline v16 exp_v16(v16 x)
{
    return v16_if_less(v16_set(89.0f), x, v16_set(INFINITY), exp_below_v16(x));
}

/* Op softcap of kernel.h; scale is 2 / cap. */
static inline v16 softcap_of_v16(v16 x, v16 cap, v16 scale)
{
    v16 one = v16_set(1.0f);
    v16 e = v16_add(one, exp_v16(v16_mul(x, scale)));
    return v16_fma(cap, v16_sub(one, v16_div(v16_set(2.0f), e)), v16_sub(x, x));
}

#endif
