/*
 * Grammars and schemas: any text as either. Each gives a status with a text; what compiles gives masks
 * whose tokens are taken and no others, and a text that can end; limits of memory hold; what was there is
 * freed.
 *
 *     input: a byte (odd: a schema) | the text | a NUL byte | a walk: each byte picks a token
 */
#include "lib/base/limits.h"
#include "lib/grammar/grammar.h"
#include "tests/count_alloc.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_MAX (512u << 20)
#define END 256

static const char *const longer[] = {"\"",   "{\"", "\":", "\",",      "\"}",     "}",
                                     "true", "12",  "ab",  "\xc3\xa9", "\xe6\x97"};
#define TOKENS (257 + sizeof longer / sizeof *longer)

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fuzz_grammar: %s\n", what);
        abort();
    }
}

static infer_status bytes_of(const void *ud, infer_token id, char *bytes, size_t capacity,
                             size_t *len, infer_error *err)
{
    char byte = (char)id;
    (void)ud, (void)err, (void)capacity;
    *len = id < END ? 1 : strlen(longer[id - END - 1]);
    memcpy(bytes, id < END ? &byte : longer[id - END - 1], *len);
    return INFER_OK;
}

static bool is_text(const void *ud, infer_token id)
{
    (void)ud;
    return id != END;
}

static bool ends(const void *ud, infer_token id)
{
    (void)ud;
    return id == END;
}

static bool has(const uint64_t *mask, size_t id)
{
    return mask[id / 64] >> id % 64 & 1;
}

/* Tokens that the input picks; each must be taken where the mask has it, and refused where not. */
static void walk(struct inf_grammar *g, const uint8_t *picks, size_t count)
{
    struct inf_matcher *m;
    infer_error err;
    must(inf_matcher_new(g, &m, &err) == INFER_OK, "a matcher");
    for (size_t i = 0; i < count && i < 64; i++) {
        const uint64_t *mask;
        infer_status status = inf_matcher_mask(m, &mask, &err);
        must(status == INFER_OK || status == INFER_E_LIMIT, err.text); /* every byte is a token */
        if (status)
            break;
        size_t id = picks[i], tries = 0;
        if (!has(mask, id)) {
            status = inf_matcher_accept(m, (infer_token)id, &err);
            must(status == INFER_E_ARGUMENT || status == INFER_E_LIMIT, "a token beside the mask");
            status = inf_matcher_mask(m, &mask, &err); /* nothing has changed */
            must(status == INFER_OK, "the mask again");
        }
        for (id = id * 7 % TOKENS; !has(mask, id) && tries < TOKENS; tries++)
            id = (id + 1) % TOKENS;
        must(tries < TOKENS, "an empty mask");
        must(id != END || inf_matcher_can_end(m), "an end too soon");
        status = inf_matcher_accept(m, (infer_token)id, &err);
        must(status == INFER_OK || status == INFER_E_LIMIT, err.text);
        if (status || id == END)
            break;
    }
    inf_matcher_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct inf_token_source source = {
        .count = TOKENS, .bytes = bytes_of, .is_text = is_text, .ends = ends};
    struct inf_token_trie *trie;
    struct inf_grammar *g;
    struct count_alloc count;
    infer_error err = {.text = ""};
    if (size < 1)
        return 0;
    const uint8_t *nul = size > 1 ? memchr(data + 1, 0, size - 1) : NULL;
    const char *text = (const char *)data + 1;
    size_t len = nul ? (size_t)(nul - data) - 1 : size - 1;
    count_alloc_init(&count);
    count.limit_bytes = MEMORY_MAX;
    must(inf_token_trie_new(&count.a, &source, &trie, &err) == INFER_OK, "a trie");
    infer_status status = inf_grammar_new(
        &count.a, trie, data[0] & 1 ? INFER_GRAMMAR_JSON_SCHEMA : INFER_GRAMMAR_GBNF, text, len, &g,
        &err);
    must(status == INFER_OK || status == INFER_E_FORMAT || status == INFER_E_UNSUPPORTED ||
             status == INFER_E_LIMIT,
         err.text);
    must((status == INFER_OK) == (err.text[0] == 0), "a status without a text");
    must(!status || !g, "a grammar in spite of an error");
    if (!status)
        walk(g, nul ? nul + 1 : data, nul ? size - len - 2 : size);
    inf_grammar_free(g);
    inf_token_trie_free(trie);
    must(!count.passed_limit, "too much memory");
    must(!count.blocks, "memory is left");
    return 0;
}

static const char *const texts[] = {
    "0root ::= (\"a\" | [b-d]{2,5})* x?\nx ::= \"(\" root \")\" # again\n",
    "0root ::= o\nv ::= o | s | n\no ::= \"{\" (s \":\" v (\",\" s \":\" v)*)? \"}\"\ns ::= "
    "\"\\\"\" "
    "[^\\\"\\\\\\x00-\\x1f]* \"\\\"\"\nn ::= \"-\"? [0-9]+ (\".\" [0-9]+)?",
    "0root ::= .{0,4} \"\\u00e9\\U0001F600\" [^\\u0100-\\uffff\\]] | a b\na ::= \"\"|\"a\"+\nb ::= "
    "a{3}",
    "1{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"minimum\":-3,"
    "\"exclusiveMaximum\":"
    "120},\"b\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":5},\"c\":{\"enum\":[1,\"x\","
    "null,{\"y\":[]}]}},"
    "\"required\":[\"a\"],\"additionalProperties\":{\"type\":\"boolean\"},\"minProperties\":1,"
    "\"maxProperties\":3}",
    "1{\"$defs\":{\"t\":{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"array\",\"prefixItems\":[{"
    "\"const\":1.5}],"
    "\"items\":{\"$ref\":\"#/$defs/t\"},\"minItems\":1,\"maxItems\":4}]}},\"$ref\":\"#/$defs/t\"}",
    "1{\"type\":\"string\",\"pattern\":\"^(a|[^b-y\\\\d]{2,3}\\\\u00e9?)+x*$\",\"allOf\":[{"
    "\"maxLength\":9},"
    "{\"pattern\":\"z\"}]}",
    "1{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"k\":{\"const\":\"a\"}},\"required\":["
    "\"k\"]},{\"type\":"
    "\"object\",\"properties\":{\"k\":{\"const\":\"b\"}},\"required\":[\"k\"]},{\"type\":"
    "\"number\",\"multipleOf\":"
    "0.25,\"minimum\":-1.5}],\"title\":\"x\"}",
    "1{\"type\":[\"string\",\"object\"],\"format\":\"date-time\",\"patternProperties\":{\"^x\":{"
    "\"type\":"
    "\"integer\",\"multipleOf\":3},\"y$\":true},\"propertyNames\":{\"maxLength\":3}}",
};

bool fuzz_base(size_t index, uint8_t **data, size_t *size, size_t *head_bytes)
{
    static const char walk_bytes[] =
        "\0{\"a\":12,\"b\":\"xyz\",\"c\":true}((bb))aa[1.5,null]\"2024-01-01\"";
    if (index >= sizeof texts / sizeof *texts)
        return false;
    size_t len = strlen(texts[index]);
    *size = len + sizeof walk_bytes - 1;
    *head_bytes = len;
    *data = malloc(*size);
    must(*data != NULL, "no memory");
    memcpy(*data, texts[index], len);
    memcpy(*data + len, walk_bytes, sizeof walk_bytes - 1);
    return true;
}
