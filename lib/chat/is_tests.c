/* Tests: what stands behind "is". */
#include "lib/chat/value.h"

/* A test that looks at the value alone. */
#define PLAIN_TEST(name, holds)                                                                    \
    INF_BUILTIN(name)                                                                              \
    {                                                                                              \
        *out = inf_bool(holds);                                                                    \
        return true;                                                                               \
    }

PLAIN_TEST(is_defined, self->kind != INF_UNDEFINED)
PLAIN_TEST(is_undefined, self->kind == INF_UNDEFINED)
PLAIN_TEST(is_none, self->kind == INF_NONE)
PLAIN_TEST(is_boolean, self->kind == INF_BOOL)
PLAIN_TEST(is_true, self->kind == INF_BOOL && self->as.flag)
PLAIN_TEST(is_false, self->kind == INF_BOOL && !self->as.flag)
PLAIN_TEST(is_integer, self->kind == INF_INT || self->kind == INF_BIG)
PLAIN_TEST(is_float, self->kind == INF_FLOAT)
PLAIN_TEST(is_number, inf_is_number(self) || self->kind == INF_BIG)
PLAIN_TEST(is_string, self->kind == INF_TEXT)
PLAIN_TEST(is_mapping, self->kind == INF_DICT)
PLAIN_TEST(is_iterable, inf_is_iterable(self))
PLAIN_TEST(is_sequence, self->kind == INF_UNDEFINED || self->kind == INF_TEXT ||
                            self->kind == INF_LIST || self->kind == INF_TUPLE ||
                            self->kind == INF_DICT || self->kind == INF_RANGE)
PLAIN_TEST(is_callable, self->kind == INF_FUNCTION || self->kind == INF_MACRO ||
                            self->kind == INF_LOOP || self->kind == INF_UNDEFINED)
PLAIN_TEST(is_escaped, self->kind == INF_TEXT && self->safe)

static bool has_case(struct inf_render *r, const struct inf_value *v, bool upper,
                     struct inf_value *out)
{
    struct inf_value text;
    if (!inf_value_text(r, v, &text))
        return false;
    *out = inf_bool(inf_text_has_case(&text, upper));
    return true;
}

INF_BUILTIN(is_lower)
{
    return has_case(r, self, false, out);
}

INF_BUILTIN(is_upper)
{
    return has_case(r, self, true, out);
}

/* Whether v % by is `rest`. */
static bool has_rest(struct inf_render *r, const struct inf_value *v, const struct inf_value *by,
                     int64_t rest, struct inf_value *out)
{
    struct inf_value wanted = inf_int(rest), left;
    if (!inf_value_arithmetic(r, '%', v, by, &left))
        return false;
    *out = inf_bool(inf_values_equal(r, &left, &wanted));
    return !r->status;
}

INF_BUILTIN(is_odd)
{
    struct inf_value two = inf_int(2);
    return has_rest(r, self, &two, 1, out);
}

INF_BUILTIN(is_even)
{
    struct inf_value two = inf_int(2);
    return has_rest(r, self, &two, 0, out);
}

INF_BUILTIN(is_divisible)
{
    return has_rest(r, self, given[0], 0, out);
}

INF_BUILTIN(is_equal)
{
    *out = inf_bool(inf_values_equal(r, self, given[0]));
    return !r->status;
}

INF_BUILTIN(is_unequal)
{
    *out = inf_bool(!inf_values_equal(r, self, given[0]));
    return !r->status;
}

/* Objects are the same where they are one; of plain values nobody can tell. */
INF_BUILTIN(is_same)
{
    bool object = self->kind >= INF_LIST;
    *out = inf_bool(self->kind == given[0]->kind &&
                    (object ? self->as.sequence == given[0]->as.sequence
                            : inf_values_equal(r, self, given[0])));
    return !r->status;
}

static bool ordered(struct inf_render *r, const struct inf_value *a, const struct inf_value *b,
                    bool less, bool or_equal, struct inf_value *out)
{
    int order;
    if (!inf_values_order(r, a, b, &order))
        return false;
    *out = inf_bool(order == 0 ? or_equal : (order < 0) == less);
    return true;
}

INF_BUILTIN(is_less)
{
    return ordered(r, self, given[0], true, false, out);
}

INF_BUILTIN(is_at_most)
{
    return ordered(r, self, given[0], true, true, out);
}

INF_BUILTIN(is_greater)
{
    return ordered(r, self, given[0], false, false, out);
}

INF_BUILTIN(is_at_least)
{
    return ordered(r, self, given[0], false, true, out);
}

INF_BUILTIN(is_in)
{
    bool found;
    if (!inf_value_contains(r, given[0], self, &found))
        return false;
    *out = inf_bool(found);
    return true;
}

static struct inf_bytes name_of(const struct inf_value *v)
{
    return v->kind == INF_TEXT ? (struct inf_bytes){inf_chars(v), inf_chars_len(v)}
                               : (struct inf_bytes){"", 0};
}

PLAIN_TEST(is_filter, inf_filter_find(name_of(self)) != NULL)
PLAIN_TEST(is_test, inf_test_find(name_of(self)) != NULL)

const struct inf_builtin inf_tests[] = {
    {"defined", is_defined, "", 0},
    {"undefined", is_undefined, "", 0},
    {"none", is_none, "", 0},
    {"boolean", is_boolean, "", 0},
    {"true", is_true, "", 0},
    {"false", is_false, "", 0},
    {"integer", is_integer, "", 0},
    {"float", is_float, "", 0},
    {"number", is_number, "", 0},
    {"string", is_string, "", 0},
    {"mapping", is_mapping, "", 0},
    {"iterable", is_iterable, "", 0},
    {"sequence", is_sequence, "", 0},
    {"callable", is_callable, "", 0},
    {"escaped", is_escaped, "", 0},
    {"lower", is_lower, "", 0},
    {"upper", is_upper, "", 0},
    {"odd", is_odd, "", 0},
    {"even", is_even, "", 0},
    {"divisibleby", is_divisible, "num ", 1},
    {"eq", is_equal, "other ", 1},
    {"equalto", is_equal, "other ", 1},
    {"==", is_equal, "other ", 1},
    {"ne", is_unequal, "other ", 1},
    {"!=", is_unequal, "other ", 1},
    {"sameas", is_same, "other ", 1},
    {"lt", is_less, "other ", 1},
    {"lessthan", is_less, "other ", 1},
    {"<", is_less, "other ", 1},
    {"le", is_at_most, "other ", 1},
    {"<=", is_at_most, "other ", 1},
    {"gt", is_greater, "other ", 1},
    {"greaterthan", is_greater, "other ", 1},
    {">", is_greater, "other ", 1},
    {"ge", is_at_least, "other ", 1},
    {">=", is_at_least, "other ", 1},
    {"in", is_in, "seq ", 1},
    {"filter", is_filter, "", 0},
    {"test", is_test, "", 0},
    {NULL, NULL, NULL, 0},
};
