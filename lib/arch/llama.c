/* llama: Llama 1 to 3.x, Mistral (with a window), Mixtral (with experts), Yi, SmolLM2 and many
 * more. */
#include "lib/arch/arch.h"

static const struct inf_tensor_row tensors[] = {
    {INF_SLOT_TOKEN_EMBD, INF_REQUIRED},    {INF_SLOT_OUTPUT_NORM, INF_REQUIRED},
    {INF_SLOT_OUTPUT, INF_OPTIONAL},        {INF_SLOT_ROPE_FREQS, INF_OPTIONAL},
    {INF_SLOT_ATTN_NORM, INF_REQUIRED},     {INF_SLOT_ATTN_Q, INF_REQUIRED},
    {INF_SLOT_ATTN_K, INF_REQUIRED},        {INF_SLOT_ATTN_V, INF_REQUIRED},
    {INF_SLOT_ATTN_Q_BIAS, INF_OPTIONAL},   {INF_SLOT_ATTN_K_BIAS, INF_OPTIONAL},
    {INF_SLOT_ATTN_V_BIAS, INF_OPTIONAL},   {INF_SLOT_ATTN_OUT, INF_REQUIRED},
    {INF_SLOT_ATTN_OUT_BIAS, INF_OPTIONAL}, {INF_SLOT_FFN_NORM, INF_REQUIRED},
    {INF_SLOT_FFN_GATE, INF_DENSE},         {INF_SLOT_FFN_UP, INF_DENSE},
    {INF_SLOT_FFN_DOWN, INF_DENSE},         {INF_SLOT_FFN_GATE_BIAS, INF_OPTIONAL},
    {INF_SLOT_FFN_UP_BIAS, INF_OPTIONAL},   {INF_SLOT_FFN_DOWN_BIAS, INF_OPTIONAL},
    {INF_SLOT_ROUTER, INF_EXPERTS},         {INF_SLOT_EXPERTS_GATE, INF_EXPERTS},
    {INF_SLOT_EXPERTS_UP, INF_EXPERTS},     {INF_SLOT_EXPERTS_DOWN, INF_EXPERTS},
};

const struct inf_arch inf_arch_llama = {
    .name = "llama",
    .tensors = tensors,
    .tensor_count = sizeof tensors / sizeof *tensors,
    .layer = inf_layer_pre_norm,
    .rope_adjacent = true,
    .routing = {.normalise = true},
};
