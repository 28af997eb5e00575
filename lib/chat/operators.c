/* Arithmetic, subscripts, slices, attributes. */
#include "lib/chat/value.h"

#include <math.h>
#include <string.h>

/* ---- Arithmetic ---------------------------------------------------------------------------- */

static bool too_large(struct inf_render *r)
{
    return inf_render_fail(r, INFER_E_LIMIT, "a whole number of more than 64 bits");
}

static bool whole_power(struct inf_render *r, int64_t base, int64_t power, struct inf_value *out)
{
    int64_t result = 1;
    while (power) {
        if (power & 1 && __builtin_mul_overflow(result, base, &result))
            return too_large(r);
        power >>= 1;
        if (power && __builtin_mul_overflow(base, base, &base))
            return too_large(r);
    }
    *out = inf_int(result);
    return true;
}

static bool whole_division(struct inf_render *r, char op, int64_t a, int64_t b,
                           struct inf_value *out)
{
    if (b == 0)
        return inf_fault(r, "division by zero");
    if (b == -1) {
        if (op == 'd' && a == INT64_MIN)
            return too_large(r);
        *out = inf_int(op == 'd' ? -a : 0);
        return true;
    }
    int64_t quotient = a / b, rest = a % b;
    if (rest && (rest < 0) != (b < 0)) { /* towards minus infinity */
        quotient--;
        rest += b;
    }
    *out = inf_int(op == 'd' ? quotient : rest);
    return true;
}

static bool whole_arithmetic(struct inf_render *r, char op, int64_t a, int64_t b,
                             struct inf_value *out)
{
    int64_t result;
    bool over;
    switch (op) {
    case '+':
        over = __builtin_add_overflow(a, b, &result);
        break;
    case '-':
        over = __builtin_sub_overflow(a, b, &result);
        break;
    case '*':
        over = __builtin_mul_overflow(a, b, &result);
        break;
    case 'p':
        return whole_power(r, a, b, out);
    default:
        return whole_division(r, op, a, b, out);
    }
    if (over)
        return too_large(r);
    *out = inf_int(result);
    return true;
}

static bool real_arithmetic(struct inf_render *r, char op, double a, double b,
                            struct inf_value *out)
{
    double result;
    if (b == 0 && (op == '/' || op == 'd' || op == '%' || (op == 'p' && a < 0 && b < 0)))
        return inf_fault(r, "division by zero");
    switch (op) {
    case '+':
        result = a + b;
        break;
    case '-':
        result = a - b;
        break;
    case '*':
        result = a * b;
        break;
    case '/':
        result = a / b;
        break;
    case 'p':
        if (a == 0 && b < 0)
            return inf_fault(r, "division by zero");
        if (a < 0 && b != floor(b))
            return inf_fault(r, "a power that is no real number");
        result = pow(a, b);
        break;
    default:
        result = fmod(a, b);
        if (result != 0 && (result < 0) != (b < 0))
            result += b;
        else if (result == 0)
            result = copysign(0.0, b);
        if (op == 'd')
            result = floor((a - result) / b + 0.5);
    }
    *out = inf_float(result);
    return true;
}

/* A text or a list, `times` over. */
static bool repeat(struct inf_render *r, const struct inf_value *v, int64_t times,
                   struct inf_value *out)
{
    size_t count = times > 0 ? (size_t)times : 0, total;
    if (v->kind == INF_TEXT) {
        if (!inf_mul_size(count, inf_chars_len(v), &total) || total > r->output_max)
            return inf_render_fail(r, INFER_E_LIMIT, "a text of more than %zu bytes",
                                   r->output_max);
        struct inf_buffer *b = inf_buffer_new(r, total);
        if (!b || !inf_render_spend(r, total ? count : 0))
            return false;
        for (size_t i = 0; total && i < count; i++)
            if (!inf_buffer_add_text(r, b, &v->as.text))
                return false;
        *out = inf_buffer_value(b);
        out->safe = v->safe;
        return true;
    }
    const struct inf_sequence *s = v->as.sequence;
    if (!inf_mul_size(count, s->count, &total) || total > UINT32_MAX / sizeof *s->items)
        return inf_render_fail(r, INFER_E_LIMIT, "a list of too many items");
    if (!inf_sequence_new(r, (enum inf_kind)v->kind, total, out))
        return false;
    for (size_t i = 0; i < total; i++)
        out->as.sequence->items[i] = s->items[i % s->count];
    return true;
}

static bool concatenate(struct inf_render *r, const struct inf_value *a, const struct inf_value *b,
                        struct inf_value *out)
{
    const struct inf_sequence *x = a->as.sequence, *y = b->as.sequence;
    if (!inf_sequence_new(r, (enum inf_kind)a->kind, (size_t)x->count + y->count, out))
        return false;
    if (x->count)
        memcpy(out->as.sequence->items, x->items, x->count * sizeof *x->items);
    if (y->count)
        memcpy(out->as.sequence->items + x->count, y->items, y->count * sizeof *y->items);
    return true;
}

static bool join_texts(struct inf_render *r, const struct inf_value *a, const struct inf_value *b,
                       struct inf_value *out)
{
    struct inf_value escaped_a = *a, escaped_b = *b;
    bool safe = a->safe || b->safe; /* what is safe makes the other so */
    if (safe &&
        (!inf_value_escape(r, a, false, &escaped_a) || !inf_value_escape(r, b, false, &escaped_b)))
        return false;
    if (!inf_text_join(r, &escaped_a, &escaped_b, out))
        return false;
    out->safe = safe;
    return true;
}

static bool is_list(const struct inf_value *v)
{
    return v->kind == INF_LIST || v->kind == INF_TUPLE;
}

bool inf_value_arithmetic(struct inf_render *r, char op, const struct inf_value *a,
                          const struct inf_value *b, struct inf_value *out)
{
    if (a->kind == INF_UNDEFINED || b->kind == INF_UNDEFINED)
        return inf_undefined_fail(r, a->kind == INF_UNDEFINED ? a : b);
    if (inf_is_whole(a) && inf_is_whole(b) && op != '/' && !(op == 'p' && inf_whole(b) < 0))
        return whole_arithmetic(r, op, inf_whole(a), inf_whole(b), out);
    if (inf_is_number(a) && inf_is_number(b))
        return real_arithmetic(r, op, inf_real(a), inf_real(b), out);
    if (op == '+' && a->kind == INF_TEXT && b->kind == INF_TEXT)
        return join_texts(r, a, b, out);
    if (op == '+' && a->kind == b->kind && is_list(a))
        return concatenate(r, a, b, out);
    if (op == '*' && (a->kind == INF_TEXT || is_list(a)) && inf_is_whole(b))
        return repeat(r, a, inf_whole(b), out);
    if (op == '*' && (b->kind == INF_TEXT || is_list(b)) && inf_is_whole(a))
        return repeat(r, b, inf_whole(a), out);
    if (op == '%' && a->kind == INF_TEXT) {
        struct inf_args args = {.items = b, .count = 1};
        if (b->kind == INF_TUPLE)
            args =
                (struct inf_args){.items = b->as.sequence->items, .count = b->as.sequence->count};
        return inf_text_percent(r, a, &args, out);
    }
    const char *name = op == 'd' ? "//" : op == 'p' ? "**" : (char[]){op, 0};
    return inf_fault(r, "%s %s %s cannot be done", inf_kind_name(a), name, inf_kind_name(b));
}

bool inf_value_negate(struct inf_render *r, const struct inf_value *v, struct inf_value *out)
{
    if (v->kind == INF_UNDEFINED)
        return inf_undefined_fail(r, v);
    if (v->kind == INF_FLOAT) {
        *out = inf_float(-v->as.real);
        return true;
    }
    if (!inf_is_whole(v))
        return inf_fault(r, "a %s cannot be negated", inf_kind_name(v));
    return whole_arithmetic(r, '-', 0, inf_whole(v), out);
}

/* ---- Subscripts ---------------------------------------------------------------------------- */

/* Index from the end where it is negative; false where there is no such item. */
static bool index_of(int64_t index, size_t count, size_t *place)
{
    if (index < 0)
        index += (int64_t)count;
    *place = (size_t)index;
    return index >= 0 && index < (int64_t)count;
}

static bool text_item(struct inf_render *r, const struct inf_value *v, int64_t index,
                      struct inf_value *out, bool *found)
{
    size_t place, at;
    *found = index_of(index, index < 0 ? inf_text_length(v) : inf_chars_len(v), &place);
    if (!*found)
        return true;
    at = inf_text_offset(v, place);
    *found = at < inf_chars_len(v);
    if (*found)
        *out = inf_text_part(v, at, at + inf_char_size(inf_chars(v) + at, inf_chars_len(v) - at));
    return inf_render_spend(r, (index < 0 ? inf_chars_len(v) : at) / 64);
}

/* v[key] as Python has it; *found false where that would raise. */
static bool plain_item(struct inf_render *r, const struct inf_value *v, const struct inf_value *key,
                       struct inf_value *out, bool *found)
{
    size_t place;
    *found = false;
    if (v->kind == INF_DICT) {
        const struct inf_value *value = inf_dict_find(r, v->as.dict, key);
        *found = value != NULL;
        if (value)
            *out = *value;
        return !r->status;
    }
    if (!inf_is_whole(key))
        return true;
    if (v->kind == INF_TEXT)
        return text_item(r, v, inf_whole(key), out, found);
    if (is_list(v)) {
        *found = index_of(inf_whole(key), v->as.sequence->count, &place);
        if (*found)
            *out = v->as.sequence->items[place];
    } else if (v->kind == INF_RANGE) {
        *found = index_of(inf_whole(key), (size_t)v->as.range->count, &place);
        if (*found)
            *out = inf_int(v->as.range->start + (int64_t)place * v->as.range->step);
    }
    return true;
}

static const char *owner_name(const struct inf_value *v)
{
    return v->kind == INF_DICT ? "dict" : inf_kind_name(v);
}

/* An attribute or a method; *found false where there is none. Names with '_' before them are hidden. */
static bool plain_attribute(struct inf_render *r, const struct inf_value *v, struct inf_bytes name,
                            struct inf_value *out, bool *found)
{
    const struct inf_builtin *method = inf_method_find(v, name);
    const struct inf_value *known = NULL;
    *found = true;
    if (method) {
        struct inf_function *function = inf_render_take(r, 1, sizeof *function);
        if (!function)
            return false;
        *function = (struct inf_function){method, *v};
        *out = (struct inf_value){.kind = INF_FUNCTION, .as.function = function};
        return true;
    }
    if (v->kind == INF_NAMESPACE)
        known = inf_space_find(r, v->as.space, name);
    else if (v->kind == INF_TUPLE && v->as.sequence->name && inf_bytes_equal(name, "grouper"))
        known = &v->as.sequence->items[0];
    else if (v->kind == INF_TUPLE && v->as.sequence->name && inf_bytes_equal(name, "list"))
        known = &v->as.sequence->items[1];
    else if (v->kind >= INF_LOOP)
        return inf_object_attribute(r, v, name, out, found);
    *found = known != NULL;
    if (known)
        *out = *known;
    return !r->status;
}

bool inf_value_attribute(struct inf_render *r, const struct inf_value *v, struct inf_bytes name,
                         struct inf_value *out)
{
    bool found = false;
    if (v->kind == INF_UNDEFINED)
        return inf_undefined_fail(r, v);
    if (name.len && name.ptr[0] != '_' && !plain_attribute(r, v, name, out, &found))
        return false;
    if (!found && v->kind == INF_DICT) {
        const struct inf_value *value = inf_dict_find_name(r, v->as.dict, name);
        if (r->status)
            return false;
        found = value != NULL;
        if (found)
            *out = *value;
    }
    return found || inf_undefined(r, name, owner_name(v), out);
}

bool inf_value_item(struct inf_render *r, const struct inf_value *v, const struct inf_value *key,
                    struct inf_value *out)
{
    bool found = false;
    struct inf_bytes name = {"item", 4};
    if (v->kind == INF_UNDEFINED)
        return inf_undefined_fail(r, v);
    if (!plain_item(r, v, key, out, &found))
        return false;
    if (key->kind == INF_TEXT)
        name = (struct inf_bytes){inf_chars(key), inf_chars_len(key)};
    if (!found && key->kind == INF_TEXT && name.len && name.ptr[0] != '_' &&
        !plain_attribute(r, v, name, out, &found))
        return false;
    return found || inf_undefined(r, name, owner_name(v), out);
}

/* ---- Slices -------------------------------------------------------------------------------- */

static bool bound(struct inf_render *r, const struct inf_value *v, int64_t none, int64_t low,
                  int64_t high, int64_t count, int64_t *out)
{
    if (!v || v->kind == INF_NONE) {
        *out = none;
        return true;
    }
    if (v->kind == INF_UNDEFINED)
        return inf_undefined_fail(r, v);
    if (!inf_is_whole(v))
        return inf_fault(r, "a slice needs whole numbers, not a %s", inf_kind_name(v));
    int64_t at = inf_whole(v);
    if (at < 0)
        at = at < -count ? low : at + count;
    *out = at < low ? low : at > high ? high : at;
    return true;
}

static bool slice_text(struct inf_render *r, const struct inf_value *v, int64_t start, int64_t step,
                       size_t taken, struct inf_value *out)
{
    if (step == 1 || !taken) {
        size_t from = taken ? inf_text_offset(v, (size_t)start) : 0;
        struct inf_value rest = inf_text_part(v, from, inf_chars_len(v));
        *out = inf_text_part(&rest, 0, inf_text_offset(&rest, taken));
        return true;
    }
    struct inf_value text = *v;
    struct inf_sequence chars;
    struct inf_buffer *b = inf_buffer_new(r, taken);
    if (!b || !inf_value_items(r, &text, &chars))
        return false;
    for (size_t i = 0; i < taken; i++)
        if (!inf_buffer_add_text(r, b, &chars.items[start + (int64_t)i * step].as.text))
            return false;
    *out = inf_buffer_value(b);
    out->safe = v->safe;
    return true;
}

bool inf_value_slice(struct inf_render *r, const struct inf_value *v,
                     const struct inf_value *bounds[3], struct inf_value *out)
{
    int64_t step = 1, start = 0, stop = 0;
    size_t length = 0, taken = 0;
    if (v->kind == INF_UNDEFINED)
        return inf_undefined_fail(r, v);
    if (v->kind != INF_TEXT && !is_list(v) && v->kind != INF_RANGE)
        return inf_fault(r, "a %s cannot be sliced", inf_kind_name(v));
    if (!inf_value_length(r, v, &length) ||
        !bound(r, bounds[2], 1, -INT32_MAX, INT32_MAX, 0, &step))
        return false;
    if (bounds[2] && inf_is_whole(bounds[2]))
        step = inf_whole(bounds[2]);
    if (step == 0)
        return inf_fault(r, "a slice of step 0");
    step = step > INT32_MAX ? INT32_MAX : step < -INT32_MAX ? -INT32_MAX : step;
    int64_t count = (int64_t)length, low = step < 0 ? -1 : 0, high = step < 0 ? count - 1 : count;
    if (!bound(r, bounds[0], step < 0 ? high : low, low, high, count, &start) ||
        !bound(r, bounds[1], step < 0 ? low : high, low, high, count, &stop))
        return false;
    if (step > 0 && stop > start)
        taken = (size_t)((stop - start + step - 1) / step);
    else if (step < 0 && start > stop)
        taken = (size_t)((start - stop - step - 1) / -step);
    if (!inf_render_spend(r, taken / 4 + (v->kind == INF_TEXT ? inf_chars_len(v) / 64 : 0)))
        return false;
    if (v->kind == INF_TEXT)
        return slice_text(r, v, start, step, taken, out);
    struct inf_sequence items;
    enum inf_kind kind = v->kind == INF_TUPLE ? INF_TUPLE : INF_LIST;
    if (!inf_value_items(r, v, &items) || !inf_sequence_new(r, kind, taken, out))
        return false;
    for (size_t i = 0; i < taken; i++)
        out->as.sequence->items[i] = items.items[start + (int64_t)i * step];
    return true;
}
