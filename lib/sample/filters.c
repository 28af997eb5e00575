/* The steps that shrink the set of candidates; who invented each stands in sample.h. */
#include "lib/sample/sample.h"

#include "lib/sample/sample_math.h"

void inf_filter_top_p(struct inf_candidates *c, double p)
{
    double goal = p * inf_candidates_total(c, 1.0), sum = 0.0;
    size_t kept = 0;
    while (kept < c->count && (kept == 0 || sum < goal)) {
        inf_candidates_sort(c, kept + 1);
        sum += inf_candidates_weight(c, kept++, 1.0);
    }
    c->count = kept;
    c->sorted = inf_min_size(c->sorted, kept);
}

void inf_filter_min_p(struct inf_candidates *c, double p)
{
    inf_candidates_keep_near(c, 1.0, -inf_log(p));
}

/* How far the surprise of item i is from the entropy. Surprise is (logit_max - logit) + ln total
 * and entropy the mean of that: ln total drops out. */
static double strangeness(const struct inf_candidates *c, size_t i, double mean)
{
    double apart = (c->logit_max - (double)inf_key_logit(c->items[i].key)) - mean;
    return apart < 0.0 ? -apart : apart;
}

/* First of the items that have the same logit as item `last`. */
static size_t run_start(const struct inf_candidates *c, size_t last)
{
    while (last > 0 && c->items[last - 1].key == c->items[last].key)
        last--;
    return last;
}

/* Strangeness falls and then rises along the sorted candidates, so the kept ones grow to both sides
 * of its lowest point:
 *
 *     0 ... run ... taken ... left ... right ... count
 *                                 kept
 *
 * [left, right) is kept. Equal logits left of it, the run [run, left), come in the order of their
 * ids, that is from its start: [run, taken) is kept too, and closed up in the end. */
void inf_filter_typical(struct inf_candidates *c, double p)
{
    inf_candidates_sort(c, c->count);
    double total = inf_candidates_total(c, 1.0), goal = p * total, mean = 0.0, sum = 0.0;
    for (size_t i = 0; i < c->count; i++) {
        double down = c->logit_max - (double)inf_key_logit(c->items[i].key);
        mean += down * inf_candidates_weight(c, i, 1.0);
    }
    mean /= total;

    size_t right = 0;
    while (right < c->count && c->logit_max - (double)inf_key_logit(c->items[right].key) < mean)
        right++;
    size_t left = right, taken = left ? run_start(c, left - 1) : 0, run = taken;
    do {
        bool go_left = left > 0;
        if (left > 0 && right < c->count) {
            double to_left = strangeness(c, taken, mean), to_right = strangeness(c, right, mean);
            go_left = to_left < to_right ||
                      (to_left == to_right && c->items[taken].id < c->items[right].id);
        }
        sum += inf_candidates_weight(c, go_left ? taken : right, 1.0);
        if (!go_left) {
            right++;
        } else if (++taken == left) {
            left = run;
            run = taken = left ? run_start(c, left - 1) : 0;
        }
    } while (sum < goal && (left > 0 || right < c->count));

    size_t near = taken - run, kept = near + (right - left);
    memmove(c->items, c->items + run, near * sizeof *c->items);
    memmove(c->items + near, c->items + left, (right - left) * sizeof *c->items);
    c->count = c->sorted = kept;
    c->logit_max = inf_key_logit(c->items[0].key);
}

void inf_filter_xtc(struct inf_candidates *c, struct inf_rng *rng, double probability,
                    double threshold)
{
    if (inf_rng_uniform(rng) >= probability)
        return;
    double least = threshold * inf_candidates_total(c, 1.0);
    size_t above = 0;
    while (above < c->count) {
        inf_candidates_sort(c, above + 1);
        if (inf_candidates_weight(c, above, 1.0) < least)
            break;
        above++;
    }
    if (above < 2)
        return;
    size_t dropped = above - 1;
    c->count -= dropped;
    c->sorted -= dropped;
    memmove(c->items, c->items + dropped, c->count * sizeof *c->items);
    c->logit_max = inf_key_logit(c->items[0].key);
}
