/* Grammars in which special tokens stand as themselves. */
#include "lib/grammar/front.h"
#include "lib/grammar/matcher.h"

#include <check.h>
#include <string.h>

/* Bytes, then: a control token, a special token of text, one that ends texts. */
enum { CONTROL = 256, MARK, END, TOKENS };

static infer_status bytes_of(const void *ud, infer_token id, char *bytes, size_t capacity,
                             size_t *len, infer_error *err)
{
    char byte = (char)id;
    (void)ud, (void)err, (void)capacity;
    *len = id == MARK ? 3 : 1;
    memcpy(bytes, id == MARK ? "<m>" : &byte, *len);
    return INFER_OK;
}

static bool is_text(const void *ud, infer_token id)
{
    (void)ud;
    return id < CONTROL || id == MARK;
}

static bool ends(const void *ud, infer_token id)
{
    (void)ud;
    return id == END;
}

static bool is_special(const void *ud, infer_token id)
{
    (void)ud;
    return id >= CONTROL;
}

static struct inf_token_trie *trie;

static void set_up(void)
{
    struct inf_token_source source = {.count = TOKENS,
                                      .bytes = bytes_of,
                                      .is_text = is_text,
                                      .ends = ends,
                                      .is_special = is_special};
    ck_assert(!inf_token_trie_new(&inf_allocator_default, &source, &trie, NULL));
}

static void tear_down(void)
{
    inf_token_trie_free(trie);
}

static const struct inf_expr *terminal(struct inf_draft *d, infer_token id)
{
    char code[INF_TERMINAL_BYTES];
    inf_token_terminal(id, code);
    return inf_expr_bytes(d, code, sizeof code);
}

/* (any character)* CONTROL "x" MARK, or END as itself and "y". */
static struct inf_grammar *make(const infer_token *terminals, size_t count)
{
    struct inf_draft d;
    struct inf_budget budget = {.work = 1 << 20, .states = 1 << 10};
    struct inf_automaton *m;
    struct inf_grammar *g;
    inf_draft_init(&d, &inf_allocator_default);
    uint32_t root = inf_draft_rule(&d, (struct inf_bytes){"root", 4});
    const struct inf_expr *any = inf_expr_class(&d, NULL, 0, true);
    d.rules[root].body =
        INF_ALT(&d,
                INF_SEQ(&d, inf_expr_repeat(&d, any, 0, INF_ENDLESS), terminal(&d, CONTROL),
                        inf_expr_text(&d, "x"), terminal(&d, MARK)),
                INF_SEQ(&d, terminal(&d, END), inf_expr_text(&d, "y")));
    ck_assert(!inf_automaton_new(&d, root, &budget, &m, NULL));
    inf_draft_free(&d);
    ck_assert(!inf_grammar_wrap(&inf_allocator_default, trie, m, terminals, count, &g, NULL));
    return g;
}

/* Whether a token is in the mask, which says what is taken. */
static bool takes(struct inf_grammar *g, const infer_token *before, size_t count, infer_token id)
{
    struct inf_matcher *m;
    const uint64_t *mask;
    ck_assert(!inf_matcher_new(g, &m, NULL));
    for (size_t i = 0; i < count; i++)
        ck_assert(!inf_matcher_accept(m, before[i], NULL));
    ck_assert(!inf_matcher_mask(m, &mask, NULL));
    bool allowed = mask[id / 64] >> id % 64 & 1;
    infer_status status = inf_matcher_accept(m, id, NULL);
    ck_assert(allowed == (status == INFER_OK));
    if (status) { /* as it was before */
        const uint64_t *again;
        ck_assert(!inf_matcher_mask(m, &again, NULL));
        ck_assert(again == mask);
    }
    inf_matcher_free(m);
    return allowed;
}

START_TEST(stand_as_themselves)
{
    struct inf_grammar *g = make(NULL, 0);
    const infer_token text[] = {'a', MARK, '<'}, begun[] = {'a', CONTROL}, x[] = {CONTROL, 'x'},
                      end[] = {END};
    ck_assert(takes(g, text, 0, CONTROL) && takes(g, text, 3, CONTROL));
    ck_assert(takes(g, text, 1, MARK)); /* its bytes are text */
    ck_assert(!takes(g, begun, 2, CONTROL) && !takes(g, begun, 2, MARK));
    ck_assert(takes(g, x, 2, MARK) && !takes(g, x, 2, '<')); /* spelled it is none */
    ck_assert(takes(g, text, 0, END) && takes(g, end, 1, 'y') && !takes(g, end, 1, END));
    /* the bytes of a terminal are no tokens of text */
    for (int byte = 0xf8; byte < 0x100; byte++)
        ck_assert(!takes(g, text, 0, (infer_token)byte));
    inf_grammar_free(g);
}
END_TEST

START_TEST(are_no_text)
{
    const infer_token terminals[] = {MARK};
    struct inf_grammar *g = make(terminals, 1);
    const infer_token text[] = {'a', '<', 'm', '>'}, x[] = {CONTROL, 'x'};
    ck_assert(!takes(g, text, 0, MARK) && !takes(g, text, 4, MARK));
    ck_assert(takes(g, x, 2, MARK) && takes(g, text, 4, CONTROL));
    inf_grammar_free(g);
}
END_TEST

Suite *suite_terminals(void)
{
    Suite *suite = suite_create("terminals");
    TCase *tcase = tcase_create("terminals");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, stand_as_themselves);
    tcase_add_test(tcase, are_no_text);
    suite_add_tcase(suite, tcase);
    return suite;
}
