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

/* soft_cap of kernel.h. */
static inline v16 soft_cap_v16(v16 x, float cap)
{
    v16 e = exp_v16(v16_mul(x, v16_set(2.0f / cap))), one = v16_set(1.0f);
    return v16_fma(v16_set(-2.0f * cap), v16_div(one, v16_add(e, one)), v16_set(cap));
}

#endif
