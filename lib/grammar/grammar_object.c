/* A text to a grammar. */
#include "lib/grammar/front.h"
#include "lib/grammar/matcher.h"

#include "lib/base/limits.h"

static infer_status compile(struct inf_draft *d, infer_grammar_kind kind, const char *text,
                            size_t len, struct inf_automaton **m, infer_error *err)
{
    struct inf_budget budget = {.work = INF_GRAMMAR_WORK, .states = INF_MAX_GRAMMAR_STATES};
    uint32_t root = 0;
    infer_status status = kind == INFER_GRAMMAR_GBNF
                              ? inf_gbnf_read(d, text, len, &root, err)
                              : inf_schema_read(d, text, len, &budget, &root, err);
    return status ? status : inf_automaton_new(d, root, &budget, m, err);
}

infer_status inf_grammar_new(const infer_allocator *a, const struct inf_token_trie *trie,
                             infer_grammar_kind kind, const char *text, size_t len,
                             struct inf_grammar **grammar, infer_error *err)
{
    struct inf_draft d;
    struct inf_automaton *m;
    *grammar = NULL;
    if (kind != INFER_GRAMMAR_GBNF && kind != INFER_GRAMMAR_JSON_SCHEMA)
        return inf_fail(err, INFER_E_ARGUMENT, "kind: %d, there are 0 and 1", (int)kind);
    if (len > INF_MAX_GRAMMAR)
        return inf_fail(err, INFER_E_LIMIT, "a grammar of %zu bytes, at most %u", len,
                        INF_MAX_GRAMMAR);
    inf_draft_init(&d, a);
    infer_status status = compile(&d, kind, text, len, &m, err);
    inf_draft_free(&d);
    return status ? status : inf_grammar_wrap(a, trie, m, NULL, 0, grammar, err);
}
