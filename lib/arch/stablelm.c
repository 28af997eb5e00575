/*
 * stablelm: StableLM 2 and Zephyr. Norms take the mean off, a part of a head turns. The feed-forward has
 * a norm of its own over the sum, or reads what attention read where a file has no such norm (as the
 * 12B); the key use_parallel_residual says neither in published files.
 */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    INF_TENSORS_MODEL,
    {INF_SLOT_ATTN_NORM, INF_REQUIRED},
    {INF_SLOT_ATTN_NORM_BIAS, INF_REQUIRED},
    {INF_SLOT_FFN_NORM, INF_OPTIONAL},
    {INF_SLOT_FFN_NORM_BIAS, INF_WITH_LAST},
    INF_TENSORS_ATTN,
    INF_TENSORS_GLU,
    {INF_SLOT_OUTPUT_NORM_BIAS, INF_REQUIRED},
    {INF_SLOT_ATTN_Q_NORM_HEADS, INF_OPTIONAL},
    {INF_SLOT_ATTN_K_NORM_HEADS, INF_OPTIONAL},
};

static const struct inf_block layer[] = {
    {INF_BLOCK_NORM, INF_SLOT_ATTN_NORM},
    {INF_BLOCK_ATTN_APART, 0},
    {INF_BLOCK_ADD_APART, 0},
    {INF_BLOCK_NORM, INF_SLOT_FFN_NORM},
    {INF_BLOCK_FFN, 0},
    {INF_BLOCK_ADD, 0},
    {INF_BLOCK_END, 0},
};

const struct inf_arch inf_arch_stablelm = {
    .name = "stablelm",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = layer,
    .layer_norm = true,
};
