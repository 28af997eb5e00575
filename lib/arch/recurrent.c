/* The numbers of recurrent layers: which keys they come from, their ranges, how they fit together. */
#include "lib/arch/arch.h"
#include "lib/base/limits.h"

/* Of Mamba-2 and of the gated delta rule, which have the same keys. */
struct ssm {
    uint32_t taps, inner, state, heads, groups;
};

static infer_status read_ssm(const struct inf_keys *keys, struct ssm *ssm, infer_error *err)
{
    const struct {
        const char *name;
        uint32_t *out, low, high;
    } fields[] = {
        {"ssm.conv_kernel", &ssm->taps, 2, INF_CONV_TAPS},
        {"ssm.inner_size", &ssm->inner, 1, INF_MAX_FF},
        {"ssm.state_size", &ssm->state, 1, INF_MAX_HEAD_SIZE},
        {"ssm.time_step_rank", &ssm->heads, 1, INF_MAX_HEADS},
        {"ssm.group_count", &ssm->groups, 1, INF_MAX_HEADS},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        infer_status status = inf_keys_need(keys, fields[i].name, err);
        if (status || (status = inf_keys_uint(keys, fields[i].name, fields[i].low, fields[i].high,
                                              fields[i].out, err)))
            return status;
    }
    if (ssm->inner % ssm->heads || ssm->inner / ssm->heads > INF_MAX_HEAD_SIZE)
        return inf_fail(err, INFER_E_FORMAT,
                        "key %s.ssm.inner_size is %u, which does not divide into %u heads of at "
                        "most %u numbers (ssm.time_step_rank)",
                        keys->prefix, ssm->inner, ssm->heads, INF_MAX_HEAD_SIZE);
    if (ssm->heads % ssm->groups)
        return inf_fail(err, INFER_E_FORMAT,
                        "key %s.ssm.time_step_rank: %u heads are no multiple of the %u groups of "
                        "ssm.group_count",
                        keys->prefix, ssm->heads, ssm->groups);
    return INFER_OK;
}

static void set_layer(struct inf_layer *l, enum inf_mixer mixer, const struct ssm *ssm)
{
    l->mixer = mixer;
    l->rope = INF_ROPE_NONE;
    l->heads = l->kv_heads = l->head_size = l->v_head_size = 0;
    l->taps = ssm->taps;
    l->r_heads = ssm->heads;
    l->r_groups = ssm->groups;
    l->keys = ssm->state;
    l->values = ssm->inner / ssm->heads;
    if (mixer == INF_MIXER_CONV) {
        l->conv_size = ssm->inner;
        l->mix_size = 3 * ssm->inner;
        return;
    }
    l->conv_size = ssm->inner + 2 * ssm->groups * ssm->state;
    l->mix_size = mixer == INF_MIXER_MAMBA ? ssm->inner + l->conv_size + ssm->heads : l->conv_size;
}

infer_status inf_arch_recurrent(const struct inf_keys *keys, struct inf_hparams *hp,
                                enum inf_mixer mixer, infer_error *err)
{
    struct ssm ssm = {.inner = hp->embd, .heads = 1, .groups = 1};
    infer_status status;
    if (mixer == INF_MIXER_CONV) {
        if (!(status = inf_keys_need(keys, "shortconv.l_cache", err)))
            status = inf_keys_uint(keys, "shortconv.l_cache", 2, INF_CONV_TAPS, &ssm.taps, err);
    } else {
        status = read_ssm(keys, &ssm, err);
    }
    for (uint32_t i = 0; !status && i < hp->layers; i++)
        if (hp->layer[i].recurrent)
            set_layer(&hp->layer[i], mixer, &ssm);
    return status;
}
