#include "tests/tiny/lacking.h"

#include "formats/type.h"
#include "tests/tiny/models.h"

#include <string.h>

#define UNKNOWN_TYPE 199

static void no_key(struct mk_file *f, const char *what)
{
    mk_drop_key(f, what);
}

/* A text that nobody knows. */
static void other_text(struct mk_file *f, const char *what)
{
    mk_set_text(f, what, "klama", 5);
}

static void number_4(struct mk_file *f, const char *what)
{
    mk_set_u32(f, what, 4);
}

static void no_tensor(struct mk_file *f, const char *what)
{
    mk_drop_tensor_at(f, (size_t)(mk_tensor(f, what) - f->tensors));
}

static void other_shape(struct mk_file *f, const char *what)
{
    struct mk_tensor *t = mk_tensor(f, what);
    mk_reshape(t, 2, t->shape[0], t->shape[1] / 2, 0);
}

static void other_type(struct mk_file *f, const char *what)
{
    mk_tensor(f, what)->type = UNKNOWN_TYPE;
}

static void one_more(struct mk_file *f, const char *what)
{
    mk_add_tensor(f, what, INF_TYPE_F32, 1, (uint64_t[1]){32});
}

static const struct lacking rows[] = {
    {"architecture", "llama", other_text, "general.architecture",
     "key general.architecture is \"klama\", which is none of", false},
    {"no_architecture", "llama", no_key, "general.architecture",
     "key general.architecture is missing", false},
    {"no_blocks", "llama", no_key, "llama.block_count", "key llama.block_count is missing", false},
    {"no_heads", "qwen2", no_key, "qwen2.attention.head_count",
     "key qwen2.attention.head_count is missing", false},
    {"no_length", "gemma3", no_key, "gemma3.embedding_length",
     "key gemma3.embedding_length is missing", false},
    {"no_latent", "deepseek2_lite", no_key, "deepseek2.attention.kv_lora_rank",
     "key deepseek2.attention.kv_lora_rank is missing", false},
    {"no_state", "qwen35", no_key, "qwen35.ssm.state_size", "key qwen35.ssm.state_size is missing",
     false},
    {"no_xielu", "apertus", no_key, "xielu.beta", "key xielu.beta is missing", false},
    {"scaling", "llama", other_text, "llama.rope.scaling.type",
     "key llama.rope.scaling.type is \"klama\"; supported are", false},
    {"gating", "lfm2moe", number_4, "lfm2moe.expert_gating_func",
     "key \"lfm2moe.expert_gating_func\" at byte", false},
    {"pooling", "qwen3_embedding", number_4, "qwen3.pooling_type", "key qwen3.pooling_type is 4",
     false},
    {"no_tensor", "llama", no_tensor, "blk.1.ffn_up.weight",
     "tensor blk.1.ffn_up.weight is missing", false},
    {"no_norm", "llama", no_tensor, "output_norm.weight", "tensor output_norm.weight is missing",
     false},
    {"no_router", "T2", no_tensor, "blk.0.ffn_gate_inp.weight",
     "tensor blk.0.ffn_gate_inp.weight is missing", false},
    {"shape", "llama", other_shape, "blk.0.attn_q.weight",
     "tensor blk.0.attn_q.weight has shape 256 x 128 x 1, the model needs 256 x 256 x 1", false},
    {"tokens", "llama", other_shape, "token_embd.weight", "tensor token_embd.weight has shape",
     false},
    {"type", "llama", other_type, "blk.0.attn_k.weight",
     "tensor blk.0.attn_k.weight has the unknown type 199", false},
    {"spare", "llama", one_more, "blk.0.attn_q_norm.weight",
     "tensor blk.0.attn_q_norm.weight has no place in the architecture llama", false},
    {"tokenizer", "llama", other_text, "tokenizer.ggml.model",
     "tokenizer.ggml.model 'klama' is not known", true},
    {"no_tokenizer", "llama", no_key, "tokenizer.ggml.model", "key tokenizer.ggml.model is missing",
     true},
    {"pre_tokenizer", "T2", other_text, "tokenizer.ggml.pre",
     "tokenizer.ggml.pre 'klama' is not one of", true},
    {"no_tokens", "llama", no_key, "tokenizer.ggml.tokens", "key tokenizer.ggml.tokens is missing",
     true},
};

size_t lacking_count(void)
{
    return sizeof rows / sizeof *rows;
}

const struct lacking *lacking_at(size_t index)
{
    return &rows[index];
}

struct mk_bytes lacking_file(const struct lacking *one)
{
    static const char talks[] = "{{ messages[0].content }}";
    struct mk_file *f = strcmp(one->kind, "T2") != 0
                            ? tiny_file(tiny_kind_named(one->kind), INF_TYPE_Q8_0, 1)
                            : mk_base_t2();
    mk_set_text(f, "tokenizer.chat_template", talks, sizeof talks - 1);
    one->edit(f, one->what);
    struct mk_bytes bytes = mk_build(f, NULL);
    mk_free(f);
    return bytes;
}
