/* Vocabularies made in code. */
#include "tests/unit/vocab_file.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct inf_bytes file_token(const void *ud, uint32_t id)
{
    return ((const struct file *)ud)->tokens[id];
}

static float file_score(const void *ud, uint32_t id)
{
    return ((const struct file *)ud)->scores[id];
}

static int32_t file_type(const void *ud, uint32_t id)
{
    return ((const struct file *)ud)->types[id];
}

static struct inf_bytes file_merge(const void *ud, uint32_t index)
{
    const char *merge = ((const struct file *)ud)->merges[index];
    return (struct inf_bytes){merge, strlen(merge)};
}

static void file_warn(void *ud, const char *text)
{
    snprintf(((struct file *)ud)->warned, sizeof((struct file *)ud)->warned, "%s", text);
}

infer_token add_bytes(struct file *f, const char *text, size_t len, int type, float score)
{
    uint32_t id = f->source.count++;
    f->tokens[id] = (struct inf_bytes){text, len};
    f->types[id] = type;
    f->scores[id] = score;
    return (infer_token)id;
}

infer_token add(struct file *f, const char *text, int type, float score)
{
    return add_bytes(f, text, strlen(text), type, score);
}

void start_file(struct file *f, const char *model, const char *pre)
{
    memset(f, 0, sizeof *f);
    f->source = (struct inf_vocab_source){
        .model = {model, strlen(model)},
        .pre = {pre, pre ? strlen(pre) : 0},
        .ud = f,
        .token = file_token,
        .score = file_score,
        .type = file_type,
        .bos = -1,
        .eos = -1,
        .eot = -1,
        .eom = -1,
        .unk = -1,
        .sep = -1,
        .pad = -1,
        .cls = -1,
        .mask = -1,
        .add_bos = -1,
        .add_eos = -1,
        .add_space_prefix = -1,
        .remove_extra_whitespaces = -1,
        .lowercase = -1,
        .strip_accents = -1,
        .warn = file_warn,
        .warn_ud = f,
    };
}

void add_merge(struct file *f, const char *merge)
{
    f->merges[f->source.merge_count++] = merge;
    f->source.merge = file_merge;
}

void add_alphabet(struct file *f)
{
    uint32_t other = 0x100;
    for (uint32_t byte = 0; byte < 256; byte++) {
        bool prints = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
        size_t len = inf_utf8_encode(prints ? byte : other++, f->own[byte]);
        add_bytes(f, f->own[byte], len, INF_TOKEN_NORMAL, 0);
    }
}

/* "Ġ" is a blank, "Ċ" a newline. */
const char *const bpe_merges[BPE_MERGES] = {"l l",    "h e",  "ll o", "he llo", "Ġ hello", "a a",
                                            "aa aa",  "a b",  "ab a", "Ġ Ġ",    "ĠĠ ĠĠ",   "Ã ©",
                                            "aaaa a", "b ab", "Ċ Ċ",  "n n",    "nn nn",   "l o"};
static void joined_text(const char *merge, char *out)
{
    size_t at = strcspn(merge, " ");
    memcpy(out, merge, at);
    strcpy(out + at, merge + at + 1);
}

void bpe_file(struct file *f, const char *pre)
{
    static char texts[BPE_MERGES][16];
    start_file(f, "gpt2", pre);
    add_alphabet(f);
    for (size_t i = 0; i < BPE_MERGES; i++) {
        joined_text(bpe_merges[i], texts[i]);
        f->merges[i] = bpe_merges[i];
        add(f, texts[i], INF_TOKEN_NORMAL, 0);
    }
    add(f, "<|x|>", INF_TOKEN_CONTROL, 0);  /* BPE_CONTROL */
    add(f, "<|x|>y", INF_TOKEN_CONTROL, 0); /* + 1 */
    add(f, "<tag>", INF_TOKEN_USER, 0);     /* + 2 */
    add(f, "whole", INF_TOKEN_NORMAL, 0);   /* + 3: no merges lead to it */
    add(f, "<|im_end|>", INF_TOKEN_CONTROL, 0);
    f->source.merge = file_merge;
    f->source.merge_count = BPE_MERGES;
}

void spm_file(struct file *f, bool bytes)
{
    start_file(f, "llama", "default");
    add(f, "<unk>", INF_TOKEN_UNKNOWN, 0);
    add(f, "<s>", INF_TOKEN_CONTROL, 0);
    add(f, "</s>", INF_TOKEN_CONTROL, 0);
    for (int i = 0; i < 256 && bytes; i++) {
        snprintf(f->own[i], sizeof f->own[i], "<0x%02X>", i);
        add(f, f->own[i], INF_TOKEN_BYTE, 0);
    }
    f->source.unk = 0;
    f->source.bos = 1;
    f->source.eos = 2;
}

struct inf_vocab *open_file(struct file *f)
{
    struct inf_vocab *v = NULL;
    infer_error err = {0};
    infer_status status = inf_vocab_new(&inf_allocator_default, &f->source, &v, &err);
    ck_assert_msg(status == INFER_OK, "%s", err.text);
    return v;
}

void refuse_file(struct file *f, infer_status wanted, const char *part)
{
    struct inf_vocab *v = (void *)f;
    infer_error err = {0};
    ck_assert_int_eq(inf_vocab_new(&inf_allocator_default, &f->source, &v, &err), wanted);
    ck_assert_ptr_null(v);
    ck_assert_msg(strstr(err.text, part), "'%s' has no '%s'", err.text, part);
}

void expect_ids_len(const struct inf_vocab *v, const char *text, size_t len, unsigned flags,
                    const infer_token *wanted, size_t count)
{
    infer_token ids[512];
    size_t got;
    infer_error err = {0};
    ck_assert_msg(!inf_vocab_tokenize(v, text, len, flags, ids, 512, &got, &err), "%s", err.text);
    char line[2048] = "";
    for (size_t i = 0; i < got && i < 64; i++)
        snprintf(line + strlen(line), sizeof line - strlen(line), " %d", (int)ids[i]);
    ck_assert_msg(got == count, "%s: %zu ids, not %zu:%s", text, got, count, line);
    for (size_t i = 0; i < got; i++)
        ck_assert_msg(ids[i] == wanted[i], "%s: id %zu is not %d:%s", text, i, (int)wanted[i],
                      line);
}
