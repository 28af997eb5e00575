/* How fast each pair of a head turns, and cos and sin of where it is. */
#include "lib/plan/plan.h"

#include <math.h>

#define PI 3.14159265358979323846

/*
 * Yarn (Peng et al. 2023, "YaRN: Efficient Context Window Extension of Large Language Models"):
 * fast dimensions keep their speed, slow ones are divided by the factor, between them a ramp over
 * dimensions. The dimension that turns `turns` times over the original context:
 */
static double yarn_dimension(const struct inf_hparams *hp, const struct inf_rope *rope,
                             double turns)
{
    return rope->dims * log(hp->rope_original / (turns * 2.0 * PI)) / (2.0 * log(rope->base));
}

static double yarn_share(const struct inf_hparams *hp, const struct inf_rope *rope, uint32_t i)
{
    double low = yarn_dimension(hp, rope, hp->rope_beta_fast);
    double high = yarn_dimension(hp, rope, hp->rope_beta_slow);
    low = fmax(hp->yarn_between ? low : floor(low), 0.0);
    high = fmin(hp->yarn_between ? high : ceil(high), rope->dims - 1.0);
    double ramp = (i - low) / fmax(high - low, 0.001);
    return 1.0 - fmin(fmax(ramp, 0.0), 1.0); /* of the unscaled speed */
}

static void set_speeds(const struct inf_hparams *hp, const struct inf_rope *rope,
                       const float *factors, double *speeds)
{
    for (uint32_t i = 0; i < rope->dims / 2; i++) {
        double speed = pow(rope->base, -2.0 * i / rope->dims);
        if (rope->scaled && hp->rope_scaling == INF_ROPE_LINEAR)
            speed /= hp->rope_factor;
        if (rope->scaled && hp->rope_scaling == INF_ROPE_YARN) {
            double share = yarn_share(hp, rope, i);
            speed = speed / hp->rope_factor * (1.0 - share) + speed * share;
        }
        if (rope->scaled && factors)
            speed /= (double)factors[i];
        speeds[i] = speed;
    }
}

/* What divides the speeds of the global RoPE; of the long and the short ones the long where sessions
 * may become longer than the texts of the first training. */
static const float *factors_of(const struct infer_plan *plan)
{
    bool is_long = (double)plan->info.context > plan->hp.rope_original;
    const struct inf_weight *w = inf_plan_weight(plan, -1, INF_SLOT_ROPE_FREQS);
    if (!w)
        w = inf_plan_weight(plan, -1, is_long ? INF_SLOT_ROPE_LONG : INF_SLOT_ROPE_SHORT);
    return w ? (const float *)(const void *)w->data : NULL;
}

/* Queries of positions beyond the first training grow (Llama 4's attention temperature). */
static infer_status set_temps(struct infer_plan *plan, infer_error *err)
{
    const struct inf_hparams *hp = &plan->hp;
    if (hp->attn_temp == 0.0f)
        return INFER_OK;
    uint32_t count = plan->info.context / hp->attn_temp_length + 1;
    plan->attn_temps = inf_arena_take(&plan->arena, count, sizeof(float));
    if (!plan->attn_temps)
        return inf_fail_memory(err, "attention temperatures", count * sizeof(float));
    for (uint32_t i = 0; i < count; i++)
        plan->attn_temps[i] = (float)(1.0 + (double)hp->attn_temp * log(1.0 + i));
    return INFER_OK;
}

infer_status inf_plan_rope(struct infer_plan *plan, infer_error *err)
{
    const struct inf_hparams *hp = &plan->hp;
    const float *factors = factors_of(plan);
    for (int kind = 0; kind < 2; kind++) {
        const struct inf_rope *rope = &hp->rope[kind];
        uint32_t half = rope->dims / 2;
        plan->rope_freqs[kind] = inf_arena_take(&plan->arena, half, sizeof(double));
        if (!plan->rope_freqs[kind])
            return inf_fail_memory(err, "rope speeds", half * sizeof(double));
        set_speeds(hp, rope, factors, plan->rope_freqs[kind]);
        double yarn = hp->rope_scaling != INF_ROPE_YARN ? 1.0
                      : hp->yarn_magnitude > 0.0        ? hp->yarn_magnitude
                                                        : 1.0 + 0.1 * log(hp->rope_factor);
        plan->rope_scale[kind] = rope->scaled ? (float)(hp->rope_attn_factor * yarn) : 1.0f;
    }
    return set_temps(plan, err);
}

/*
 * The angle less its nearest multiple of pi/2 (in three parts, exact for multiples below 2^20),
 * then the Taylor series, whose first term left out is below 2^-53 for |r| <= pi/4.
 */
void inf_cos_sin(double angle, double *cosine, double *sine)
{
    double quarters = rint(angle * (2.0 / PI));
    double r = fma(quarters, -0x1.921fb54400000p+0, angle);
    r = fma(quarters, -0x1.0b4611a600000p-34, r);
    r = fma(quarters, -0x1.3198a2e037073p-69, r);
    double r2 = r * r, c = 0.0, s = 0.0;
    for (int n = 16; n > 0; n -= 2) {
        c = (1.0 + c) * (-r2 / ((n - 1) * n));
        s = (1.0 + s) * (-r2 / (n * (n + 1)));
    }
    c += 1.0;
    s = r + r * s;
    long quadrant = (long)quarters & 3;
    *cosine = quadrant == 0 ? c : quadrant == 1 ? -s : quadrant == 2 ? -c : s;
    *sine = quadrant == 0 ? s : quadrant == 1 ? c : quadrant == 2 ? -s : -c;
}
