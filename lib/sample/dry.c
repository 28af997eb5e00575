/*
 * DRY: a token that would go on a sequence which the text ends with and which stood in it before is
 * penalised by multiplier * base^(length of the sequence - allowed length).
 *
 * What the first implementation (text-generation-webui, pull request 5677) finds by walking back
 * from each match, the Z-algorithm (Gusfield 1997, section 1.4) finds in linear time: with the text
 * turned round, match[i] is how many tokens before position i are those at the end of the text.
 *
 *     text, newest first:  b a | c b a d ...     match[3] = 2, and text[2] = c is what came next
 *
 * A sequence does not hold a breaker, and a breaker is never penalised.
 */
#include "lib/sample/sample.h"

bool inf_dry_init(struct inf_dry *dry, struct inf_arena *arena, uint32_t vocab_size, size_t window)
{
    dry->window = window;
    dry->ring = inf_arena_take(arena, window, sizeof *dry->ring);
    dry->text = inf_arena_take(arena, window, sizeof *dry->text);
    dry->match = inf_arena_take(arena, window, sizeof *dry->match);
    dry->longest = inf_arena_take(arena, vocab_size, sizeof *dry->longest);
    dry->breakers = inf_arena_take(arena, vocab_size / 64 + 1, sizeof *dry->breakers);
    return dry->ring && dry->text && dry->match && dry->longest && dry->breakers;
}

void inf_dry_breaker(struct inf_dry *dry, infer_token id)
{
    dry->breakers[id / 64] |= UINT64_C(1) << id % 64;
}

static bool is_breaker(const struct inf_dry *dry, infer_token id)
{
    return dry->breakers[id / 64] >> id % 64 & 1;
}

void inf_dry_accept(struct inf_dry *dry, infer_token id)
{
    if (dry->window == 0)
        return;
    dry->ring[dry->next] = id;
    dry->next = dry->next + 1 == dry->window ? 0 : dry->next + 1;
    dry->used = inf_min_size(dry->used + 1, dry->window);
}

/* match[i] for 0 < i < count: the length of the longest common prefix of text + i and text.
 * [start, end) is the match that reaches furthest so far. */
static void find_matches(const infer_token *text, size_t count, uint32_t *match)
{
    size_t start = 0, end = 0;
    for (size_t i = 1; i < count; i++) {
        size_t length = i < end ? inf_min_size(match[i - start], end - i) : 0;
        while (i + length < count && text[length] == text[i + length])
            length++;
        if (i + length > end) {
            start = i;
            end = i + length;
        }
        match[i] = (uint32_t)length;
    }
}

/* base >= 1; infinite where it leaves the doubles. */
static double power(double base, size_t exponent)
{
    double result = 1.0;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1)
            result *= base;
    return result;
}

void inf_dry_apply(struct inf_dry *dry, float *logits)
{
    size_t count = dry->used, free_of_breakers = 0;
    for (size_t i = 0, at = dry->next; i < count; i++) {
        at = at ? at - 1 : dry->window - 1;
        dry->text[i] = dry->ring[at];
    }
    while (free_of_breakers < count && !is_breaker(dry, dry->text[free_of_breakers]))
        free_of_breakers++;
    if (free_of_breakers < dry->allowed)
        return;
    find_matches(dry->text, count, dry->match);
    for (size_t i = 1; i < count; i++) {
        infer_token next = dry->text[i - 1];
        size_t length = inf_min_size(dry->match[i], free_of_breakers);
        if (length >= dry->allowed && length > dry->longest[next] && !is_breaker(dry, next))
            dry->longest[next] = (uint32_t)length;
    }
    for (size_t i = 1; i < count; i++) {
        infer_token next = dry->text[i - 1];
        size_t length = dry->longest[next];
        if (length == 0)
            continue;
        double penalty = dry->multiplier * power(dry->base, length - dry->allowed);
        logits[next] = inf_logit_edited(logits[next], (double)logits[next] - penalty);
        dry->longest[next] = 0;
    }
}
