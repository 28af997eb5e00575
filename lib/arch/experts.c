/* The keys of experts: how many and how large, who has them, how a token chooses. */
#include "lib/arch/arch.h"
#include "lib/base/limits.h"

#include <math.h>

static infer_status read_routing(const struct inf_arch *arch, const struct inf_keys *keys,
                                 struct inf_hparams *hp, infer_error *err)
{
    enum { SOFTMAX = 1, SIGMOID, SOFTMAX_OF_CHOSEN };
    struct inf_routing *r = &hp->routing;
    uint32_t score = 0;
    double scale = 0.0;
    *r = arch->routing;
    infer_status status;
    if ((status = inf_keys_uint(keys, "expert_gating_func", 0, SOFTMAX_OF_CHOSEN, &score, err)) ||
        (status = inf_keys_bool(keys, "expert_weights_norm", &r->normalise, err)) ||
        (status = inf_keys_float(keys, "expert_weights_scale", true, &scale, err)) ||
        (status = inf_keys_uint(keys, "expert_group_count", 0, INF_MAX_EXPERTS, &r->groups, err)) ||
        (status = inf_keys_uint(keys, "expert_group_used_count", 0, INF_MAX_EXPERTS,
                                &r->groups_used, err)))
        return status;
    if (score)
        r->sigmoid = score == SIGMOID;
    if (score == SOFTMAX_OF_CHOSEN)
        r->normalise = true;
    r->scale = scale > 0.0 ? (float)scale : 1.0f;
    if (r->groups <= 1)
        return INFER_OK;
    uint32_t each = hp->experts / r->groups;
    if (hp->experts % r->groups || r->groups_used < 1 || r->groups_used > r->groups ||
        r->groups_used * each < hp->experts_used)
        return inf_fail(err, INFER_E_FORMAT,
                        "%s: %u of %u groups of %u experts do not hold the %u that a token uses",
                        arch->name, r->groups_used, r->groups, hp->experts, hp->experts_used);
    return INFER_OK;
}

/* Leading layers are dense, and with a step all but every so many. */
static infer_status read_who(const struct inf_keys *keys, struct inf_hparams *hp, infer_error *err)
{
    uint32_t dense = 0, step = 1;
    infer_status status;
    if ((status =
             inf_keys_uint(keys, "leading_dense_block_count", 0, INF_MAX_LAYERS, &dense, err)) ||
        (status = inf_keys_uint(keys, "interleave_moe_layer_step", 0, INF_MAX_LAYERS, &step, err)))
        return status;
    for (uint32_t i = dense; step && i < hp->layers; i++)
        hp->layer[i].experts = (i + 1) % step == 0;
    return INFER_OK;
}

infer_status inf_arch_experts(const struct inf_arch *arch, const struct inf_keys *keys,
                              struct inf_hparams *hp, infer_error *err)
{
    if (!hp->experts)
        return INFER_OK;
    if (hp->experts_used < 1 || hp->experts_used > hp->experts)
        return inf_fail(err, INFER_E_FORMAT, "key %s.expert_used_count is %u of %u experts",
                        arch->name, hp->experts_used, hp->experts);
    uint32_t shared = 0;
    hp->expert_ff = hp->layer[0].ff;
    infer_status status;
    if ((status = inf_keys_uint(keys, "expert_feed_forward_length", 1, INF_MAX_FF, &hp->expert_ff,
                                err)) ||
        (status = inf_keys_uint(keys, "expert_shared_count", 0, INF_MAX_EXPERTS, &shared, err)))
        return status;
    uint64_t shared_ff = (uint64_t)shared * hp->expert_ff;
    if (shared_ff > INF_MAX_FF)
        return inf_fail(err, INFER_E_LIMIT,
                        "%s: %u shared experts of %u numbers, at most %u in all", arch->name,
                        shared, hp->expert_ff, INF_MAX_FF);
    hp->shared_ff = (uint32_t)shared_ff;
    if ((status = inf_keys_uint(keys, "expert_shared_feed_forward_length", 0, INF_MAX_FF,
                                &hp->shared_ff, err)) ||
        (status = read_who(keys, hp, err)))
        return status;
    return read_routing(arch, keys, hp, err);
}
