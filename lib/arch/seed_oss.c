/* seed_oss: Seed-OSS. The norm before the feed-forward has the name of one behind attention. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    {INF_SLOT_ATTN_NORM, INF_REQUIRED},
    {INF_SLOT_ATTN_POST_NORM, INF_REQUIRED},
    INF_TENSORS_ATTN,
    INF_TENSORS_GLU,
};

static const struct inf_block layer[] = {
    {INF_BLOCK_NORM, INF_SLOT_ATTN_NORM},
    {INF_BLOCK_ATTN, 0},
    {INF_BLOCK_ADD, 0},
    {INF_BLOCK_NORM, INF_SLOT_ATTN_POST_NORM},
    {INF_BLOCK_FFN, 0},
    {INF_BLOCK_ADD, 0},
    {INF_BLOCK_END, 0},
};

const struct inf_arch inf_arch_seed_oss = {
    .name = "seed_oss",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = layer,
};
