/*
 * Damage that the container survives: hyperparameters (C), vocabulary (D), split files (G), weights
 * (H).
 */
#include "tests/mkbad_rows.h"

#include "formats/type.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T "tokenizer.ggml."

static const float odd_floats[] = {0.0f, -1.0f, NAN, INFINITY, -INFINITY, 1e-45f};

/* ---- C: hyperparameters -------------------------------------------------------------------- */

#define SETS_U32(function, key)                                                                    \
    static void function(struct mk_file *f, uint64_t v)                                            \
    {                                                                                              \
        mk_set_u32(f, key, (uint32_t)v);                                                           \
    }
#define SETS_FLOAT(function, key)                                                                  \
    static void function(struct mk_file *f, uint64_t v)                                            \
    {                                                                                              \
        mk_set_f32(f, key, odd_floats[v]);                                                         \
    }
/* An array of `v` u32, each `each`. */
#define SETS_ARRAY(function, key, each)                                                            \
    static void function(struct mk_file *f, uint64_t v)                                            \
    {                                                                                              \
        uint32_t values[8] = {each, each, each, each, each, each, each, each};                     \
        mk_set_array(f, key, MK_U32, v, values, (size_t)v * 4);                                    \
    }

SETS_U32(blocks, "llama.block_count")
SETS_U32(heads, "llama.attention.head_count")
SETS_U32(kv_heads, "llama.attention.head_count_kv")
SETS_U32(embd, "llama.embedding_length")
SETS_U32(feed_forward, "llama.feed_forward_length")
SETS_U32(key_length, "llama.attention.key_length")
SETS_U32(value_length, "llama.attention.value_length")
SETS_U32(rope_dims, "llama.rope.dimension_count")
SETS_U32(context, "llama.context_length")
SETS_U32(experts, "llama.expert_count")
SETS_U32(experts_used, "llama.expert_used_count")
SETS_U32(window, "llama.attention.sliding_window")
SETS_U32(window_pattern, "llama.attention.sliding_window_pattern")
SETS_U32(vocab_size, "llama.vocab_size")
SETS_FLOAT(eps, "llama.attention.layer_norm_rms_epsilon")
SETS_FLOAT(freq_base, "llama.rope.freq_base")
SETS_ARRAY(heads_array, "llama.attention.head_count", 2)
SETS_ARRAY(heads_array_zero, "llama.attention.head_count", 0)
SETS_ARRAY(kv_heads_array, "llama.attention.head_count_kv", 2)
SETS_ARRAY(blocks_array, "llama.block_count", 1)

SETS_FLOAT(embd_scale, "llama.embedding_scale")
SETS_FLOAT(sum_scale, "llama.residual_scale")
SETS_FLOAT(logit_scale, "llama.logit_scale")
SETS_FLOAT(attn_scale, "llama.attention.scale")
SETS_FLOAT(score_cap, "llama.attn_logit_softcapping")
SETS_FLOAT(logit_cap, "llama.final_logit_softcapping")
SETS_U32(pooling, "llama.pooling_type")
SETS_ARRAY(feed_forward_array, "llama.feed_forward_length", MK_FF)
SETS_ARRAY(kv_heads_zero, "llama.attention.head_count_kv", 0)
SETS_ARRAY(kv_heads_huge, "llama.attention.head_count_kv", UINT32_MAX)
SETS_ARRAY(window_array, "llama.attention.sliding_window", 5)

/* An array of one element, of type v. */
static void heads_items(struct mk_file *f, uint64_t v)
{
    mk_set_array(f, "llama.attention.head_count", (uint32_t)v, 1, &(double){2.0},
                 v == MK_F64 ? 8 : 4);
}

/* Flags of windowed layers, v of them, with a window. */
static void window_flags(struct mk_file *f, uint64_t v)
{
    static const uint8_t flags[8] = {1, 0, 1, 0, 1, 0, 1, 0};
    mk_set_u32(f, "llama.attention.sliding_window", 5);
    mk_set_array(f, "llama.attention.sliding_window_pattern", MK_BOOL, v, flags, (size_t)v);
}

/* Tokens that see both ways make embeddings, which have to be pooled. */
static void two_way(struct mk_file *f, uint64_t v)
{
    mk_put(&mk_set_key(f, "llama.attention.causal", MK_BOOL)->value, &(uint8_t){0}, 1);
    mk_set_u32(f, "llama.pooling_type", (uint32_t)v);
}

/* Another architecture's name over the keys of this one. */
static const char *const other_archs[] = {"gemma2", "bert", "command-r", "phi3", "mistral3"};
#define OTHER_ARCHS (sizeof other_archs / sizeof *other_archs)

static void other_arch(struct mk_file *f, uint64_t v)
{
    mk_set_text(f, "general.architecture", other_archs[v], strlen(other_archs[v]));
}

/* Q, K and V as one tensor of v rows: 128 are right, but then the single ones stand beside it. */
static void fused(struct mk_file *f, uint64_t v)
{
    uint64_t shape[2] = {MK_EMBD, v};
    mk_add_tensor(f, "blk.0.attn_qkv.weight", INF_TYPE_Q8_0, 2, shape);
    for (size_t i = f->tensor_count; i-- > 0;)
        if (f->tensors[i].name.len == 19 &&
            !memcmp(f->tensors[i].name.ptr, "blk.0.attn_q.weight", 19))
            mk_drop_tensor_at(f, i);
}

static void blocks_type(struct mk_file *f, uint64_t v)
{
    struct mk_key *key = mk_set_key(f, "llama.block_count", (uint32_t)v);
    if (v == MK_STRING)
        mk_put_string(&key->value, "1", 1);
    else if (v == MK_F32)
        mk_put(&key->value, &(float){1.0f}, 4);
    else
        mk_put(&key->value, &(int32_t){-1}, 4);
}

static void blocks_u64(struct mk_file *f, uint64_t v)
{
    mk_put_u64(&mk_set_key(f, "llama.block_count", MK_U64)->value, v);
}

static void rope_scale(struct mk_file *f, uint64_t v)
{
    mk_set_text(f, "llama.rope.scaling.type", "linear", 6);
    mk_set_f32(f, "llama.rope.scaling.factor", odd_floats[v]);
}

static void rope_yarn(struct mk_file *f, uint64_t v)
{
    mk_set_text(f, "llama.rope.scaling.type", "yarn", 4);
    mk_set_f32(f, "llama.rope.scaling.factor", 4.0f);
    mk_set_u32(f, "llama.rope.scaling.original_context_length", (uint32_t)v);
}

/* ---- D: vocabulary ------------------------------------------------------------------------- */

/* `count` elements of `bytes` bytes each, zeros. */
static void zeros(struct mk_file *f, const char *name, uint32_t items, uint64_t count, size_t bytes)
{
    void *values = calloc((size_t)count + 1, bytes);
    mk_set_array(f, name, items, count, values, (size_t)count * bytes);
    free(values);
}

static void scores_count(struct mk_file *f, uint64_t v)
{
    zeros(f, T "scores", MK_F32, v, 4);
}

static void types_count(struct mk_file *f, uint64_t v)
{
    zeros(f, T "token_type", MK_I32, v, 4);
}

static void scores_items(struct mk_file *f, uint64_t v)
{
    zeros(f, T "scores", (uint32_t)v, MK_VOCAB, v == MK_U8 ? 1 : 8);
}

static void types_items(struct mk_file *f, uint64_t v)
{
    zeros(f, T "token_type", (uint32_t)v, MK_VOCAB, v == MK_U8 ? 1 : 8);
}

static void tokens_items(struct mk_file *f, uint64_t v)
{
    zeros(f, T "tokens", (uint32_t)v, MK_VOCAB, 4);
}

SETS_U32(scores_scalar, T "scores")
SETS_U32(types_scalar, T "token_type")
SETS_U32(tokens_scalar, T "tokens")
SETS_U32(merges_scalar, T "merges")

static void scores_odd(struct mk_file *f, uint64_t v)
{
    struct mk_bytes *value = &mk_key(f, T "scores")->value;
    for (size_t i = 260; i < 265; i++)
        memcpy(value->ptr + 12 + 4 * i, &odd_floats[v], 4);
}

static void types_odd(struct mk_file *f, uint64_t v)
{
    memcpy(mk_key(f, T "token_type")->value.ptr + 12 + 4 * 270, &v, 4);
}

static const char *const special_ids[] = {"bos", "eos", "unknown", "padding", "eot", "separator"};
#define SPECIAL_IDS (sizeof special_ids / sizeof *special_ids)

static void special_id(struct mk_file *f, const char *which, uint32_t type, uint32_t value)
{
    char name[64];
    snprintf(name, sizeof name, T "%s_token_id", which);
    mk_put_u32(&mk_set_key(f, name, type)->value, value);
}

static void id_behind(struct mk_file *f, uint64_t v)
{
    special_id(f, special_ids[v], MK_U32, MK_VOCAB);
}

static void id_max(struct mk_file *f, uint64_t v)
{
    special_id(f, special_ids[v], MK_U32, UINT32_MAX);
}

static void id_negative(struct mk_file *f, uint64_t v)
{
    special_id(f, special_ids[v], MK_I32, (uint32_t)-1);
}

static void id_text(struct mk_file *f, uint64_t v)
{
    char name[64];
    snprintf(name, sizeof name, T "%s_token_id", special_ids[v]);
    mk_set_text(f, name, "1", 1);
}

/* A vocabulary of `v` tokens "a", with an embedding to fit. */
static void small_vocab(struct mk_file *f, uint64_t v)
{
    struct mk_bytes tokens = {0};
    for (uint64_t i = 0; i < v; i++)
        mk_put_string(&tokens, "a", 1);
    mk_set_array(f, T "tokens", MK_STRING, v, tokens.ptr, tokens.len);
    free(tokens.ptr);
    zeros(f, T "scores", MK_F32, v, 4);
    zeros(f, T "token_type", MK_I32, v, 4);
    mk_drop_key(f, T "bos_token_id");
    mk_drop_key(f, T "eos_token_id");
    mk_drop_key(f, T "unknown_token_id");
    mk_set_u32(f, "llama.vocab_size", (uint32_t)v);
    mk_reshape(mk_tensor(f, "token_embd.weight"), 2, MK_EMBD, v, 0);
}

/* Puts another text in place of element `index` of an array of strings. */
static void replace(struct mk_file *f, const char *name, size_t index, const char *text, size_t len)
{
    struct mk_key *key = mk_key(f, name);
    struct mk_bytes old = key->value;
    size_t at = 12;
    uint64_t bytes;
    for (size_t i = 0; i <= index; i++) {
        memcpy(&bytes, old.ptr + at, 8);
        at += i < index ? 8 + (size_t)bytes : 0;
    }
    key->value = (struct mk_bytes){0};
    mk_put(&key->value, old.ptr, at);
    mk_put_string(&key->value, text, len);
    at += 8 + (size_t)bytes;
    mk_put(&key->value, old.ptr + at, old.len - at);
    free(old.ptr);
}

static void long_token(struct mk_file *f, uint64_t v)
{
    char *text = malloc((size_t)v);
    memset(text, 'a', (size_t)v);
    replace(f, T "tokens", 270, text, (size_t)v);
    free(text);
}

static const struct {
    const char *text;
    size_t len;
} odd_tokens[] = {
    {"<0x-1>", 6},           {"<0xZZ>", 6},  {"<0x1>", 5}, {"<0x100>", 7}, {"<0xab>", 6},
    {"<0x00>", 6},           {"", 0},        {"a", 1},     {"a\0b", 3},    {"\xff\xc3", 2},
    {"\xf4\x90\x80\x80", 4}, {"\x1b[2J", 4},
};
#define ODD_TOKENS (sizeof odd_tokens / sizeof *odd_tokens)

static void byte_token(struct mk_file *f, uint64_t v)
{
    replace(f, T "tokens", 3 + 'A', odd_tokens[v].text, odd_tokens[v].len);
}

static void text_token(struct mk_file *f, uint64_t v)
{
    replace(f, T "tokens", 270, odd_tokens[v].text, odd_tokens[v].len);
}

static const char *const odd_merges[] = {"", " ", "ab", "a b c", " b", "a ", "zz qq", "a  b", "\n"};
#define ODD_MERGES (sizeof odd_merges / sizeof *odd_merges)

static void merge(struct mk_file *f, uint64_t v)
{
    replace(f, T "merges", 5, odd_merges[v], strlen(odd_merges[v]));
}

static void no_merges(struct mk_file *f, uint64_t v)
{
    (void)v;
    mk_drop_key(f, T "merges");
}

static void merges_items(struct mk_file *f, uint64_t v)
{
    zeros(f, T "merges", (uint32_t)v, 61, 4);
}

static void many_merges(struct mk_file *f, uint64_t v)
{
    struct mk_bytes merges = {0};
    for (uint64_t i = 0; i < v; i++)
        mk_put_string(&merges, "b a", 3);
    mk_set_array(f, T "merges", MK_STRING, v, merges.ptr, merges.len);
    free(merges.ptr);
}

static void charsmap(struct mk_file *f, uint64_t v)
{
    static const uint8_t map[] = {0xff, 0xff, 0xff, 0x7f, 1, 2, 3, 4, 5, 6, 7, 8};
    mk_set_text(f, T "model", "t5", 2);
    mk_set_array(f, T "precompiled_charsmap", MK_U8, v, map, (size_t)v);
}

static void tokenizer_unknown(struct mk_file *f, uint64_t v)
{
    (void)v;
    mk_set_text(f, T "model", "kit", 3);
}

static void pre_unknown(struct mk_file *f, uint64_t v)
{
    (void)v;
    mk_set_text(f, T "pre", "kit", 3);
}

/* ---- G: split files ------------------------------------------------------------------------ */

static void put_u16(struct mk_file *f, const char *name, uint64_t v)
{
    mk_put(&mk_set_key(f, name, MK_U16)->value, &v, 2);
}

/* v = part << 16 | count */
static void split(struct mk_file *f, uint64_t v)
{
    put_u16(f, "split.no", v >> 16);
    put_u16(f, "split.count", v & 0xffff);
    int32_t tensors = (int32_t)f->tensor_count;
    mk_put(&mk_set_key(f, "split.tensors.count", MK_I32)->value, &tensors, 4);
}

static void split_tensors(struct mk_file *f, uint64_t v)
{
    split(f, 1);
    mk_put_u32(&mk_set_key(f, "split.tensors.count", MK_U32)->value, (uint32_t)v);
}

/* ---- H: weights ---------------------------------------------------------------------------- */

static void scale(struct mk_file *f, uint64_t v)
{
    memcpy(mk_tensor(f, "blk.0.attn_q.weight")->data.ptr, &v, 2);
}

static void norm_weight(struct mk_file *f, uint64_t v)
{
    memcpy(mk_tensor(f, "output_norm.weight")->data.ptr + 4, &odd_floats[v], 4);
}

static void all_bytes(struct mk_file *f, uint64_t v)
{
    struct mk_tensor *t = mk_tensor(f, "blk.0.ffn_up.weight");
    memset(t->data.ptr, (int)v, t->data.len);
}

/* ---- The table ----------------------------------------------------------------------------- */

#define OK MKBAD_OK
#define REFUSE MKBAD_REFUSE
#define EITHER MKBAD_EITHER
#define LEN(...) (sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))
#define EACH(...) (const uint64_t[]){__VA_ARGS__}, LEN(__VA_ARGS__)
#define UP_TO(n) NULL, n
#define ONCE UP_TO(1)
#define ODD_FLOATS (sizeof odd_floats / sizeof *odd_floats)
#define P31 0x80000000
#define MAX32 0xffffffff
#define PART(no, count) ((uint64_t)(no) << 16 | (count))

const struct mkbad_row mkbad_model_rows[] = {
    {"C1", "blocks", 1, blocks, EACH(0, 2, 513, 1000000000, P31, MAX32), OK, REFUSE},
    {"C1", "blocks_type", 1, blocks_type, EACH(MK_STRING, MK_F32, MK_I32), OK, REFUSE},
    {"C1", "blocks_u64", 1, blocks_u64, EACH(UINT64_MAX, (uint64_t)1 << 32 | 1), OK, REFUSE},
    {"C1", "blocks_u64_right", 1, blocks_u64, EACH(1), OK, EITHER},
    {"C1", "blocks_array", 1, blocks_array, EACH(0, 2), OK, REFUSE},
    {"C1", "fewer_blocks", 2, blocks, EACH(1), OK, EITHER},
    {"C2", "heads", 1, heads, EACH(0, 3, 5, 128, P31, MAX32), OK, REFUSE},
    {"C2", "kv_heads", 1, kv_heads, EACH(0, 3, 4, P31, MAX32), OK, REFUSE},
    {"C2", "embd", 1, embd, EACH(0, 1, 63, 65, 1000000000, MAX32), OK, REFUSE},
    {"C2", "feed_forward", 1, feed_forward, EACH(0, 127, 1000000000, MAX32), OK, REFUSE},
    {"C2", "heads_array", 1, heads_array, EACH(0, 2), OK, REFUSE},
    {"C2", "heads_array_zero", 1, heads_array_zero, EACH(1), OK, REFUSE},
    {"C2", "kv_heads_array", 1, kv_heads_array, EACH(0, 2), OK, REFUSE},
    {"C2", "heads_items", 1, heads_items, EACH(MK_F32, MK_F64), OK, REFUSE},
    {"C2", "feed_forward_array", 1, feed_forward_array, EACH(0, 2, 8), OK, REFUSE},
    {"C2", "feed_forward_array_right", 1, feed_forward_array, EACH(1), OK, OK},
    {"C2", "kv_heads_zero", 1, kv_heads_zero, EACH(1), OK, REFUSE},
    {"C2", "kv_heads_huge", 1, kv_heads_huge, EACH(1), OK, REFUSE},
    {"C2", "fused", 1, fused, EACH(1, 127, 129, 191, 193), OK, REFUSE},
    {"C2", "fused_right", 1, fused, EACH(192), OK, OK},
    {"C2", "other_arch", 1, other_arch, UP_TO(OTHER_ARCHS), OK, REFUSE},
    {"C3", "scales", 1, embd_scale, UP_TO(5), OK, REFUSE},
    {"C3", "sum_scale", 1, sum_scale, UP_TO(5), OK, REFUSE},
    {"C3", "logit_scale", 1, logit_scale, UP_TO(5), OK, REFUSE},
    {"C3", "attn_scale", 1, attn_scale, EACH(1, 2, 3, 4), OK, REFUSE},
    {"C3", "score_cap", 1, score_cap, EACH(1, 2, 3, 4), OK, REFUSE},
    {"C3", "logit_cap", 1, logit_cap, EACH(1, 2, 3, 4), OK, REFUSE},
    {"C3", "smallest", 1, logit_cap, EACH(0, 5), OK, EITHER},
    {"C3", "smallest_score", 1, score_cap, EACH(0, 5), OK, EITHER},
    {"C3", "pooling", 1, pooling, EACH(4, 5, MAX32), OK, REFUSE},
    {"C3", "two_way", 1, two_way, EACH(0, 1, 2, 3), OK, EITHER},
    {"C3", "rope_dims", 1, rope_dims, EACH(1, 31, 64, P31, MAX32), OK, REFUSE},
    {"C3", "rope_dims_zero", 1, rope_dims, EACH(0), OK, EITHER},
    {"C3", "freq_base", 1, freq_base, UP_TO(5), OK, REFUSE},
    {"C3", "eps", 1, eps, EACH(1, 2, 3, 4), OK, REFUSE},
    {"C3", "eps_zero", 1, eps, EACH(0, 5), OK, EITHER},
    {"C3", "rope_scale", 1, rope_scale, EACH(2, 3, 4), OK, REFUSE},
    {"C3", "rope_scale_odd", 1, rope_scale, EACH(0, 1, 5), OK, EITHER},
    {"C3", "yarn_context", 1, rope_yarn, EACH(0, MAX32), OK, EITHER},
    {"C3", "key_length", 1, key_length, EACH(0, 1, 64, 100000, P31, MAX32), OK, REFUSE},
    {"C3", "value_length", 1, value_length, EACH(0, 1, 64, 100000, P31, MAX32), OK, REFUSE},
    {"C4", "context", 1, context, EACH(0, 1, P31, MAX32), OK, EITHER},
    {"C5", "experts", 2, experts, EACH(1, 3, 1025, 1000000000, P31, MAX32), OK, REFUSE},
    {"C5", "used", 2, experts_used, EACH(0, 5, P31, MAX32), OK, REFUSE},
    {"C6", "no_window", 1, window, EACH(0), OK, OK},
    {"C6", "window", 1, window, EACH(P31, MAX32), OK, EITHER},
    {"C6", "window_array", 1, window_array, EACH(0, 2), OK, REFUSE},
    {"C6", "window_flags", 1, window_flags, EACH(0, 2, 8), OK, REFUSE},
    {"C6", "window_flags_right", 1, window_flags, EACH(1), OK, EITHER},
    {"C6", "pattern", 1, window_pattern, EACH(0, MAX32), OK, EITHER},

    {"D1", "scores", 1, scores_count, EACH(0, MK_VOCAB - 1, MK_VOCAB + 1), OK, REFUSE},
    {"D1", "types", 1, types_count, EACH(0, MK_VOCAB - 1, MK_VOCAB + 1), OK, REFUSE},
    {"D1", "types_bpe", 2, types_count, EACH(MK_VOCAB - 1, MK_VOCAB + 1), OK, REFUSE},
    {"D1", "scores_items", 1, scores_items, EACH(MK_U8, MK_I64), OK, EITHER},
    {"D1", "types_items", 1, types_items, EACH(MK_U8, MK_I64), OK, EITHER},
    {"D1", "tokens_items", 1, tokens_items, EACH(MK_I32), OK, REFUSE},
    {"D1", "scores_scalar", 1, scores_scalar, ONCE, OK, REFUSE},
    {"D1", "types_scalar", 1, types_scalar, ONCE, OK, REFUSE},
    {"D1", "tokens_scalar", 1, tokens_scalar, ONCE, OK, REFUSE},
    {"D1", "scores_odd", 1, scores_odd, UP_TO(ODD_FLOATS), OK, EITHER},
    {"D1", "types_odd", 1, types_odd, EACH(0, 7, 99, MAX32), OK, EITHER},
    {"D1", "vocab_size", 1, vocab_size, EACH(0, MK_VOCAB - 1, MK_VOCAB + 1, MAX32), OK, EITHER},
    {"D2", "behind", 1, id_behind, UP_TO(SPECIAL_IDS), OK, EITHER},
    {"D2", "max", 1, id_max, UP_TO(SPECIAL_IDS), OK, EITHER},
    {"D2", "negative", 1, id_negative, UP_TO(SPECIAL_IDS), OK, EITHER},
    {"D2", "text", 1, id_text, UP_TO(SPECIAL_IDS), OK, EITHER},
    {"D2", "small_vocab", 1, small_vocab, EACH(1, 2), OK, EITHER},
    {"D2", "no_vocab", 1, small_vocab, EACH(0), OK, REFUSE},
    {"D3", "long_token", 1, long_token, EACH(65536, 65537, 1000000), OK, EITHER},
    {"D5", "byte_token", 1, byte_token, UP_TO(ODD_TOKENS), OK, EITHER},
    {"D6", "token", 1, text_token, UP_TO(ODD_TOKENS), OK, EITHER},
    {"D6", "token_bpe", 2, text_token, UP_TO(ODD_TOKENS), OK, EITHER},
    {"D7", "merge", 2, merge, UP_TO(ODD_MERGES), OK, EITHER},
    {"D7", "no_merges", 2, no_merges, ONCE, OK, EITHER},
    {"D7", "merges_items", 2, merges_items, EACH(MK_I32), OK, REFUSE},
    {"D7", "merges_scalar", 2, merges_scalar, ONCE, OK, REFUSE},
    {"D7", "many_merges", 2, many_merges, EACH(1000000), OK, EITHER},
    {"D8", "charsmap", 1, charsmap, UP_TO(13), OK, EITHER},
    {"D8", "tokenizer_unknown", 1, tokenizer_unknown, ONCE, OK, REFUSE},
    {"D8", "pre_unknown", 2, pre_unknown, ONCE, OK, EITHER},

    {"G3", "alone", 1, split, EACH(PART(0, 1)), OK, OK},
    {"G3", "others_missing", 1, split, EACH(PART(0, 2), PART(0, 3), PART(0, 65535)), OK, REFUSE},
    {"G3", "number", 1, split, EACH(PART(1, 1), PART(2, 2), PART(5, 2), PART(65535, 1)), OK,
     REFUSE},
    {"G3", "none", 1, split, EACH(PART(0, 0), PART(1, 0)), OK, EITHER},
    {"G3", "tensors", 1, split_tensors, EACH(0, 10, 12, MAX32), OK, EITHER},

    {"H1", "scale", 1, scale, EACH(0x7e00, 0x7c00, 0xfc00), OK, OK},
    {"H1", "norm", 1, norm_weight, EACH(2, 3), OK, OK},
    {"H2", "bytes", 1, all_bytes, EACH(0x00, 0xff), OK, OK},
};
const size_t mkbad_model_count = sizeof mkbad_model_rows / sizeof *mkbad_model_rows;
