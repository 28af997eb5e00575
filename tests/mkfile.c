/* Files field by field, and the two base models. */
#include "tests/mkfile.h"

#include "formats/type.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *ptr)
{
    if (!ptr) {
        fputs("mkfile: no memory\n", stderr);
        abort();
    }
    return ptr;
}

void mk_put(struct mk_bytes *to, const void *bytes, size_t len)
{
    if (to->len + len > to->capacity) {
        to->capacity = (to->len + len) * 2;
        to->ptr = must(realloc(to->ptr, to->capacity));
    }
    if (len)
        memcpy(to->ptr + to->len, bytes, len);
    to->len += len;
}

void mk_put_u32(struct mk_bytes *to, uint32_t value)
{
    mk_put(to, &value, sizeof value);
}

void mk_put_u64(struct mk_bytes *to, uint64_t value)
{
    mk_put(to, &value, sizeof value);
}

void mk_put_string(struct mk_bytes *to, const char *text, size_t len)
{
    mk_put_u64(to, len);
    mk_put(to, text, len);
}

static void put_zeros(struct mk_bytes *to, size_t len)
{
    static const uint8_t zeros[4096];
    for (size_t part; len; len -= part) {
        part = len < sizeof zeros ? len : sizeof zeros;
        mk_put(to, zeros, part);
    }
}

static void drop(struct mk_bytes *bytes)
{
    free(bytes->ptr);
    *bytes = (struct mk_bytes){0};
}

struct mk_file *mk_new(void)
{
    struct mk_file *file = must(calloc(1, sizeof *file));
    memcpy(file->magic, "GGUF", 4);
    file->version = 3;
    file->alignment = 32;
    return file;
}

void mk_free(struct mk_file *file)
{
    for (size_t i = 0; i < file->key_count; i++) {
        drop(&file->keys[i].name);
        drop(&file->keys[i].value);
    }
    for (size_t i = 0; i < file->tensor_count; i++) {
        drop(&file->tensors[i].name);
        drop(&file->tensors[i].data);
    }
    free(file->keys);
    free(file->tensors);
    free(file);
}

static bool named(const struct mk_bytes *name, const char *text)
{
    return name->len == strlen(text) && !memcmp(name->ptr, text, name->len);
}

struct mk_key *mk_key(struct mk_file *file, const char *name)
{
    for (size_t i = 0; i < file->key_count; i++)
        if (named(&file->keys[i].name, name))
            return &file->keys[i];
    return NULL;
}

struct mk_key *mk_add_key(struct mk_file *file, const char *name, uint32_t type)
{
    file->keys = must(realloc(file->keys, (file->key_count + 1) * sizeof *file->keys));
    struct mk_key *key = &file->keys[file->key_count++];
    *key = (struct mk_key){.name_len = strlen(name), .type = type};
    mk_put(&key->name, name, strlen(name));
    return key;
}

struct mk_key *mk_set_key(struct mk_file *file, const char *name, uint32_t type)
{
    struct mk_key *key = mk_key(file, name);
    if (!key)
        return mk_add_key(file, name, type);
    key->type = type;
    key->value.len = 0;
    return key;
}

void mk_drop_key(struct mk_file *file, const char *name)
{
    struct mk_key *key = mk_key(file, name);
    if (!key)
        return;
    drop(&key->name);
    drop(&key->value);
    file->key_count--;
    memmove(key, key + 1, (size_t)(&file->keys[file->key_count] - key) * sizeof *key);
}

void mk_set_u32(struct mk_file *file, const char *name, uint32_t value)
{
    mk_put_u32(&mk_set_key(file, name, MK_U32)->value, value);
}

void mk_set_f32(struct mk_file *file, const char *name, float value)
{
    mk_put(&mk_set_key(file, name, MK_F32)->value, &value, sizeof value);
}

void mk_set_text(struct mk_file *file, const char *name, const char *text, size_t len)
{
    mk_put_string(&mk_set_key(file, name, MK_STRING)->value, text, len);
}

void mk_set_array(struct mk_file *file, const char *name, uint32_t items, uint64_t count,
                  const void *values, size_t bytes)
{
    struct mk_bytes *value = &mk_set_key(file, name, MK_ARRAY)->value;
    mk_put_u32(value, items);
    mk_put_u64(value, count);
    mk_put(value, values, bytes);
}

struct mk_tensor *mk_tensor(struct mk_file *file, const char *name)
{
    for (size_t i = 0; i < file->tensor_count; i++)
        if (named(&file->tensors[i].name, name))
            return &file->tensors[i];
    return NULL;
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Data of the right size: F32 near 1, Q8_0 with a scale of 2^-10; zeros for other types. */
static void fill(struct mk_tensor *t)
{
    const struct inf_type_info *type = inf_type_info(t->type);
    uint64_t bytes = 0, elements = 1;
    t->data.len = 0;
    if (!type || !inf_type_row_bytes(type, t->shape[0], &bytes))
        return;
    for (uint32_t i = 0; i < t->dims; i++)
        elements *= t->shape[i];
    for (uint32_t i = 1; i < t->dims; i++)
        bytes *= t->shape[i];
    uint32_t state = (uint32_t)bytes ^ (uint32_t)t->name.len << 20;
    if (t->type == INF_TYPE_F32) {
        for (uint64_t i = 0; i < elements; i++) {
            float value = 0.75f + (float)(next_random(&state) & 255) / 512.0f;
            mk_put(&t->data, &value, sizeof value);
        }
    } else if (t->type == INF_TYPE_Q8_0) {
        for (uint64_t i = 0; i < elements; i++) {
            if (i % type->weights == 0)
                mk_put(&t->data, &(uint16_t){0x1400}, 2);
            int8_t value = (int8_t)(next_random(&state) % 255 - 127);
            mk_put(&t->data, &value, 1);
        }
    } else {
        put_zeros(&t->data, (size_t)bytes);
    }
}

struct mk_tensor *mk_add_tensor(struct mk_file *file, const char *name, uint32_t type,
                                uint32_t dims, const uint64_t *shape)
{
    file->tensors = must(realloc(file->tensors, (file->tensor_count + 1) * sizeof *file->tensors));
    struct mk_tensor *t = &file->tensors[file->tensor_count++];
    *t = (struct mk_tensor){.name_len = strlen(name), .dims = dims, .type = type};
    mk_put(&t->name, name, strlen(name));
    for (uint32_t i = 0; i < MK_DIMS_MAX; i++)
        t->shape[i] = i < dims ? shape[i] : 1;
    fill(t);
    return t;
}

void mk_reshape(struct mk_tensor *t, uint32_t dims, uint64_t d0, uint64_t d1, uint64_t d2)
{
    t->dims = dims;
    t->shape[0] = d0;
    t->shape[1] = dims > 1 ? d1 : 1;
    t->shape[2] = dims > 2 ? d2 : 1;
    fill(t);
}

void mk_drop_tensor_at(struct mk_file *file, size_t index)
{
    struct mk_tensor *t = &file->tensors[index];
    drop(&t->name);
    drop(&t->data);
    file->tensor_count--;
    memmove(t, t + 1, (file->tensor_count - index) * sizeof *t);
}

static size_t padding(const struct mk_file *file, size_t len)
{
    return (file->alignment - len % file->alignment) % file->alignment;
}

struct mk_bytes mk_build(const struct mk_file *file, size_t *meta_bytes)
{
    struct mk_bytes out = {0};
    mk_put(&out, file->magic, 4);
    mk_put_u32(&out, file->version);
    mk_put_u64(&out, file->tensor_count + file->tensors_more);
    mk_put_u64(&out, file->key_count + file->keys_more);
    for (size_t i = 0; i < file->key_count; i++) {
        const struct mk_key *key = &file->keys[i];
        mk_put_u64(&out, key->name_len);
        mk_put(&out, key->name.ptr, key->name.len);
        mk_put_u32(&out, key->type);
        mk_put(&out, key->value.ptr, key->value.len);
    }
    uint64_t offset = 0;
    for (size_t i = 0; i < file->tensor_count; i++) {
        const struct mk_tensor *t = &file->tensors[i];
        mk_put_u64(&out, t->name_len);
        mk_put(&out, t->name.ptr, t->name.len);
        mk_put_u32(&out, t->dims);
        mk_put(&out, t->shape, (t->dims < MK_DIMS_MAX ? t->dims : MK_DIMS_MAX) * sizeof *t->shape);
        mk_put_u32(&out, t->type);
        mk_put_u64(&out, t->placed ? t->offset : offset);
        offset += t->data.len + padding(file, t->data.len);
    }
    if (meta_bytes)
        *meta_bytes = out.len;
    put_zeros(&out, padding(file, out.len));
    for (size_t i = 0; i < file->tensor_count; i++) {
        mk_put(&out, file->tensors[i].data.ptr, file->tensors[i].data.len);
        put_zeros(&out, padding(file, file->tensors[i].data.len));
    }
    put_zeros(&out, file->tail);
    return out;
}

/* The hyperparameters of both models. */
static struct mk_file *llama(uint32_t blocks)
{
    struct mk_file *file = mk_new();
    mk_set_text(file, "general.architecture", "llama", 5);
    mk_set_text(file, "general.name", "tiny", 4);
    mk_set_u32(file, "llama.block_count", blocks);
    mk_set_u32(file, "llama.context_length", 128);
    mk_set_u32(file, "llama.embedding_length", MK_EMBD);
    mk_set_u32(file, "llama.feed_forward_length", MK_FF);
    mk_set_u32(file, "llama.attention.head_count", 2);
    mk_set_u32(file, "llama.attention.head_count_kv", 2);
    mk_set_f32(file, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    mk_set_u32(file, "llama.rope.dimension_count", MK_EMBD / 2);
    mk_set_f32(file, "llama.rope.freq_base", 10000.0f);
    mk_set_u32(file, "llama.vocab_size", MK_VOCAB);
    return file;
}

static void add(struct mk_file *file, uint32_t block, const char *name, uint32_t type, uint64_t d0,
                uint64_t d1, uint64_t d2)
{
    char full[64];
    snprintf(full, sizeof full, "blk.%u.%s.weight", block, name);
    mk_add_tensor(file, full, type, d2 ? 3 : d1 ? 2 : 1, (uint64_t[]){d0, d1, d2});
}

static void add_tensors(struct mk_file *file, uint32_t blocks, uint64_t experts)
{
    mk_add_tensor(file, "token_embd.weight", INF_TYPE_Q8_0, 2, (uint64_t[]){MK_EMBD, MK_VOCAB});
    for (uint32_t b = 0; b < blocks; b++) {
        add(file, b, "attn_norm", INF_TYPE_F32, MK_EMBD, 0, 0);
        add(file, b, "attn_q", INF_TYPE_Q8_0, MK_EMBD, MK_EMBD, 0);
        add(file, b, "attn_k", INF_TYPE_Q8_0, MK_EMBD, MK_EMBD, 0);
        add(file, b, "attn_v", INF_TYPE_Q8_0, MK_EMBD, MK_EMBD, 0);
        add(file, b, "attn_output", INF_TYPE_Q8_0, MK_EMBD, MK_EMBD, 0);
        add(file, b, "ffn_norm", INF_TYPE_F32, MK_EMBD, 0, 0);
        if (experts)
            add(file, b, "ffn_gate_inp", INF_TYPE_F32, MK_EMBD, experts, 0);
        add(file, b, experts ? "ffn_gate_exps" : "ffn_gate", INF_TYPE_Q8_0, MK_EMBD, MK_FF,
            experts);
        add(file, b, experts ? "ffn_up_exps" : "ffn_up", INF_TYPE_Q8_0, MK_EMBD, MK_FF, experts);
        add(file, b, experts ? "ffn_down_exps" : "ffn_down", INF_TYPE_Q8_0, MK_FF, MK_EMBD,
            experts);
    }
    mk_add_tensor(file, "output_norm.weight", INF_TYPE_F32, 1, (uint64_t[]){MK_EMBD});
}

struct mk_file *mk_base_t(void)
{
    struct mk_file *file = llama(1);
    struct mk_bytes tokens = {0}, scores = {0}, types = {0};
    static const char pairs[] = "thheinerannostesonatndtoorarisalitveoued";
    for (unsigned i = 0; i < MK_VOCAB; i++) {
        char text[16];
        unsigned letter = i - 260, pair = letter - 26;
        if (i < 3)
            snprintf(text, sizeof text, "%s", (const char *[]){"<unk>", "<s>", "</s>"}[i]);
        else if (i < 259)
            snprintf(text, sizeof text, "<0x%02X>", i - 3);
        else if (i == 259)
            snprintf(text, sizeof text, "\u2581");
        else if (letter < 26)
            snprintf(text, sizeof text, "%c", 'a' + (int)letter);
        else if (pair < 20)
            snprintf(text, sizeof text, "%.2s", pairs + 2 * pair);
        else
            snprintf(text, sizeof text, "\u2581%c", 'a' + (int)pair - 20);
        mk_put_string(&tokens, text, strlen(text));
        mk_put(&scores, &(float){i < 259 ? 0.0f : 259.0f - (float)i}, 4);
        mk_put_u32(&types, i == 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1);
    }
    mk_set_text(file, "tokenizer.ggml.model", "llama", 5);
    mk_set_array(file, "tokenizer.ggml.tokens", MK_STRING, MK_VOCAB, tokens.ptr, tokens.len);
    mk_set_array(file, "tokenizer.ggml.scores", MK_F32, MK_VOCAB, scores.ptr, scores.len);
    mk_set_array(file, "tokenizer.ggml.token_type", MK_I32, MK_VOCAB, types.ptr, types.len);
    mk_set_u32(file, "tokenizer.ggml.bos_token_id", 1);
    mk_set_u32(file, "tokenizer.ggml.eos_token_id", 2);
    mk_set_u32(file, "tokenizer.ggml.unknown_token_id", 0);
    drop(&tokens);
    drop(&scores);
    drop(&types);
    add_tensors(file, 1, 0);
    return file;
}

/* The letter of a byte in byte-level BPE: itself where it is printable, else from U+0100 on. */
static size_t byte_letter(unsigned byte, char text[4])
{
    unsigned code = 256;
    for (unsigned b = 0; b <= byte; b++) {
        bool plain = (b > 32 && b < 127) || (b > 160 && b < 173) || b > 173;
        if (b == byte)
            code = plain ? b : code;
        else
            code += !plain;
    }
    if (code < 0x80) {
        text[0] = (char)code;
        return 1;
    }
    text[0] = (char)(0xc0 | code >> 6);
    text[1] = (char)(0x80 | (code & 0x3f));
    return 2;
}

struct mk_file *mk_base_t2(void)
{
    static const char chat[] = "{% for message in messages %}<|begin|>{{ message.role }}\n"
                               "{{ message.content }}<|end|>\n{% endfor %}"
                               "{% if add_generation_prompt %}<|begin|>assistant\n{% endif %}";
    static const char first[] = "bcdfghjklmnprstvw", second[] = "aeiou";
    struct mk_file *file = llama(2);
    struct mk_bytes tokens = {0}, types = {0}, merges = {0};
    for (unsigned i = 0; i < MK_VOCAB; i++) {
        char text[16];
        size_t len;
        if (i < 256) {
            len = byte_letter(i, text);
        } else if (i < 317) {
            text[0] = first[(i - 256) / 5];
            text[1] = second[(i - 256) % 5];
            mk_put_string(&merges, (char[]){text[0], ' ', text[1]}, 3);
            len = 2;
        } else {
            len = (size_t)snprintf(text, sizeof text, "%s",
                                   (const char *[]){"<|begin|>", "<|end|>", "<|pad|>"}[i - 317]);
        }
        mk_put_string(&tokens, text, len);
        mk_put_u32(&types, i < 317 ? 1 : 3);
    }
    mk_set_u32(file, "llama.expert_count", 4);
    mk_set_u32(file, "llama.expert_used_count", 2);
    mk_set_text(file, "tokenizer.ggml.model", "gpt2", 4);
    mk_set_text(file, "tokenizer.ggml.pre", "llama-bpe", 9);
    mk_set_array(file, "tokenizer.ggml.tokens", MK_STRING, MK_VOCAB, tokens.ptr, tokens.len);
    mk_set_array(file, "tokenizer.ggml.token_type", MK_I32, MK_VOCAB, types.ptr, types.len);
    mk_set_array(file, "tokenizer.ggml.merges", MK_STRING, 61, merges.ptr, merges.len);
    mk_set_u32(file, "tokenizer.ggml.bos_token_id", 317);
    mk_set_u32(file, "tokenizer.ggml.eos_token_id", 318);
    mk_set_u32(file, "tokenizer.ggml.padding_token_id", 319);
    mk_set_text(file, "tokenizer.chat_template", chat, sizeof chat - 1);
    drop(&tokens);
    drop(&types);
    drop(&merges);
    add_tensors(file, 2, 4);
    return file;
}
