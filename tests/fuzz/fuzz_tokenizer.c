/*
 * Tokenizers: a model whose vocabulary is damaged, and any text. Making the tokenizer gives a
 * status; one that is made takes every text, counts what it needs before and after alike, gives ids
 * of the vocabulary, never more memory than the text allows; and of the sound vocabularies, text
 * comes back.
 *
 *     input: u32 bytes of the file | the file | the text
 */
#include "lib/base/base.h"
#include "tests/count_alloc.h"
#include "tests/fuzz/fuzz.h"
#include "tests/mkfile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 4096

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fuzz_tokenizer: %s\n", what);
        abort();
    }
}

/* The bytes of ids one by one and together: the same, but for the one blank that is left out. */
static void back(const infer_model *model, const infer_token *ids, size_t count)
{
    size_t need = 0, len = 0, sum = 0, one;
    infer_status status = infer_detokenize(model, ids, count, NULL, 0, &need, NULL);
    must(status == (need ? INFER_E_RANGE : INFER_OK), "the need of detokenising");
    char *text = malloc(need + 1);
    must(text != NULL, "no memory");
    must(!infer_detokenize(model, ids, count, text, need, &len, NULL) && len == need, "its length");
    for (size_t i = 0; i < count; i++) {
        infer_token_bytes(model, ids[i], NULL, 0, &one, NULL);
        sum += one;
    }
    must(sum == need || sum == need + 1, "the sum of the tokens' bytes");
    free(text);
}

/* A map of characters makes text longer, by at most 255 bytes a byte; all else by 3. */
static size_t ids_max(const infer_model *model, size_t len)
{
    static const char charsmap[] = "tokenizer.ggml.precompiled_charsmap";
    infer_meta meta;
    for (uint64_t i = 0; !infer_model_meta(model, i, &meta, NULL); i++)
        if (meta.key_len == sizeof charsmap - 1 && !memcmp(meta.key, charsmap, meta.key_len))
            return 256 * len + 4;
    return 4 * len + 4;
}

static infer_status tokenize(const infer_model *model, const char *text, size_t len, unsigned flags)
{
    infer_model_info info;
    infer_error err = {.text = ""};
    size_t need = 0, count = 0;
    infer_model_get_info(model, &info);
    infer_status status = infer_tokenize(model, text, len, flags, NULL, 0, &need, &err);
    if (status && status != INFER_E_RANGE) {
        must(err.text[0] != 0, "a text");
        return status;
    }
    must((status == INFER_E_RANGE) == (need > 0), "the need of tokenising");
    must(need <= ids_max(model, len), "more ids than the text has");
    infer_token *ids = malloc((need + 1) * sizeof *ids);
    must(ids != NULL, "no memory");
    ids[need] = -77;
    if (need > 1)
        must(infer_tokenize(model, text, len, flags, ids, need - 1, &count, NULL) ==
                     INFER_E_RANGE &&
                 count == need,
             "a place too few");
    must(!infer_tokenize(model, text, len, flags, ids, need, &count, &err), err.text);
    must(count == need && ids[need] == -77, "the count");
    for (size_t i = 0; i < count; i++)
        must(ids[i] >= 0 && (uint32_t)ids[i] < info.vocab_size, "an id behind the vocabulary");
    back(model, ids, count);
    free(ids);
    return INFER_OK;
}

/* The models of the sound vocabularies, T and T2; what is left at the end is the process's. */
static struct mk_bytes sound_file(int which)
{
    struct mk_file *file = which ? mk_base_t2() : mk_base_t();
    while (file->tensor_count) /* the weights do not matter here */
        mk_drop_tensor_at(file, 0);
    struct mk_bytes bytes = mk_build(file, NULL);
    mk_free(file);
    return bytes;
}

static const infer_model *sound(int which)
{
    static infer_model *models[2];
    infer_error err = {.text = ""};
    if (!models[which]) {
        struct mk_bytes bytes = sound_file(which);
        must(!infer_model_open_memory(bytes.ptr, bytes.len, NULL, &models[which], &err), err.text);
    }
    return models[which];
}

/* By a sound vocabulary text comes back byte for byte; to SentencePiece U+2581 is a blank. */
static void round_trip(int which, const char *text, size_t len)
{
    infer_error err = {.text = ""};
    static infer_token ids[4 * TEXT_MAX];
    static char out[TEXT_MAX + 1];
    size_t count, bytes;
    if (which == 0 && memmem(text, len, "\xe2\x96\x81", 3))
        return;
    must(!infer_tokenize(sound(which), text, len, INFER_TOKENIZE_PLAIN, ids, 4 * TEXT_MAX, &count,
                         &err),
         err.text);
    must(!infer_detokenize(sound(which), ids, count, out, sizeof out, &bytes, &err), err.text);
    must(bytes == len && !memcmp(out, text, len), "the text does not come back");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t bytes = 0;
    if (size < sizeof bytes)
        return 0;
    memcpy(&bytes, data, sizeof bytes);
    data += sizeof bytes;
    size -= sizeof bytes;
    size_t file_bytes = bytes < size ? bytes : size;
    size_t len = inf_min_size(size - file_bytes, TEXT_MAX);

    struct count_alloc count;
    count_alloc_init(&count);
    count.limit_bytes = 8 * file_bytes + (16u << 20);
    infer_model_options options = {.size = sizeof options, .allocator = &count.a};
    infer_model *model = NULL;
    infer_error err = {.text = ""};
    uint8_t *file = malloc(file_bytes + 1);
    char *text = malloc(len + 1); /* ends where the text ends */
    must(file && text, "no memory");
    memcpy(file, data, file_bytes);
    memcpy(text, data + file_bytes, len);
    if (!infer_model_open_memory(file, file_bytes, &options, &model, &err)) {
        for (unsigned flags = 0; flags < 4; flags++)
            if (tokenize(model, text, len, flags) && flags == 0)
                break;
        for (int which = INFER_SPECIAL_BOS; which <= INFER_SPECIAL_PAD; which++)
            infer_token_ends(model, infer_token_special(model, (infer_special)which));
    } else {
        must(err.text[0] && !model, "a refusal without a text");
    }
    must(!count.passed_limit, "too much memory");
    infer_model_free(model);
    must(!count.blocks && !count.maps, "memory is left");
    round_trip(0, text, len);
    round_trip(1, text, len);
    free(file);
    free(text);
    return 0;
}

/* The vocabularies of the unit tests, of every other kind. */
static const struct line {
    char op;
    const char *text;
    size_t len;
    int type;
    double score;
    const char *ids;
} lines[] = {
#include "tests/unit/vocab_kinds.def"
};
#define LINES (sizeof lines / sizeof *lines)

/* The file of the vocabulary number `which`; no bytes behind the last. */
static struct mk_bytes kind_file(size_t which)
{
    struct mk_file *file = mk_base_t();
    struct mk_bytes tokens = {0}, scores = {0}, types = {0}, merges = {0}, bytes = {0};
    size_t i = 0, seen = 0, token_count = 0, merge_count = 0;
    while (i < LINES && !(lines[i].op == 'V' && seen++ == which))
        i++;
    while (file->tensor_count)
        mk_drop_tensor_at(file, 0);
    if (i < LINES)
        mk_set_text(file, "tokenizer.ggml.model", lines[i].text, lines[i].len);
    for (i++; i < LINES && lines[i].op != 'C'; i++) {
        const struct line *line = &lines[i];
        float score = (float)line->score;
        if (line->op == 'N') {
            mk_set_array(file, "tokenizer.ggml.precompiled_charsmap", MK_U8, line->len, line->text,
                         line->len);
        } else if (line->op == 'M') {
            mk_put_string(&merges, line->text, line->len);
            merge_count++;
        } else if (line->op == 'T') {
            mk_put_string(&tokens, line->text, line->len);
            mk_put(&scores, &score, sizeof score);
            mk_put_u32(&types, (uint32_t)line->type);
            token_count++;
        }
    }
    mk_set_array(file, "tokenizer.ggml.tokens", MK_STRING, token_count, tokens.ptr, tokens.len);
    mk_set_array(file, "tokenizer.ggml.scores", MK_F32, token_count, scores.ptr, scores.len);
    mk_set_array(file, "tokenizer.ggml.token_type", MK_I32, token_count, types.ptr, types.len);
    if (merge_count)
        mk_set_array(file, "tokenizer.ggml.merges", MK_STRING, merge_count, merges.ptr, merges.len);
    if (token_count)
        bytes = mk_build(file, NULL);
    mk_free(file);
    free(tokens.ptr);
    free(scores.ptr);
    free(types.ptr);
    free(merges.ptr);
    return bytes;
}

bool fuzz_base(size_t index, uint8_t **data, size_t *size, size_t *head_bytes)
{
    static const char *const texts[] = {
        "some text, 12345 and  more\n\n<s> it's </s> <0x41>",
        "\xe4\xb8\xad\xe6\x96\x87 \xc3\xa9t\xc3\xa9 e\xcc\x81 \xf0\x9f\x98\x80 \xff\xc3 end",
        "aaaaaaaaaaaaaaaaaaaaaaaa     \t\t\r\n  b",
    };
    size_t which = index / 3;
    struct mk_bytes model = which < 2 ? sound_file((int)which) : kind_file(which - 2), input = {0};
    const char *text = texts[index % 3];
    if (!model.ptr)
        return false;
    mk_put_u32(&input, (uint32_t)model.len);
    mk_put(&input, model.ptr, model.len);
    mk_put(&input, text, strlen(text));
    free(model.ptr);
    *data = input.ptr;
    *size = *head_bytes = input.len;
    return true;
}
