/* Log probabilities of the likeliest tokens. The caller's array is the only memory: a heap whose
 * root is the least likely token kept, `logprob` holding the logit until the end. */
#include "lib/sample/sample.h"

#include "lib/sample/sample_math.h"

#define BLOCK 256

/* Order of the result: likelier first, the lower id on a tie. */
static bool before(infer_logprob a, infer_logprob b)
{
    return a.logprob > b.logprob || (a.logprob == b.logprob && a.id < b.id);
}

/* Puts `item` into the heap top[count] whose root is free. */
static void sift_down(infer_logprob *top, size_t count, infer_logprob item)
{
    size_t at = 0;
    for (size_t child = 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && before(top[child], top[child + 1]))
            child++;
        if (!before(item, top[child]))
            break;
        top[at] = top[child];
        at = child;
    }
    top[at] = item;
}

static void sift_up(infer_logprob *top, size_t at, infer_logprob item)
{
    for (; at > 0 && before(top[(at - 1) / 2], item); at = (at - 1) / 2)
        top[at] = top[(at - 1) / 2];
    top[at] = item;
}

/* ln of the sum of e^(logit - logit_max). */
static double log_total(const float *logits, size_t vocab_size, double logit_max)
{
    struct inf_exp_sum sum = {{0}};
    double x[INF_EXP_BATCH];
    for (size_t i = 0; i < vocab_size; i += INF_EXP_BATCH) {
        size_t count = inf_min_size(INF_EXP_BATCH, vocab_size - i);
        for (size_t j = 0; j < count; j++)
            x[j] = (double)logits[i + j] - logit_max;
        inf_exp_sum_add(&sum, x, count);
    }
    return inf_log(inf_exp_sum_total(&sum));
}

infer_status infer_logprobs(const float *logits, uint32_t vocab_size, infer_logprob *top,
                            size_t count, infer_error *err)
{
    if (!logits || vocab_size == 0)
        return inf_fail(err, INFER_E_ARGUMENT, "logits: there are none");
    if (count > vocab_size || (count && !top))
        return inf_fail(err, INFER_E_ARGUMENT, "count: %zu, the vocabulary has %u tokens%s", count,
                        (unsigned)vocab_size, top ? "" : ", and top is NULL");
    infer_token best;
    infer_status status = inf_logits_greatest(logits, vocab_size, &best, err);
    if (status || count == 0)
        return status;

    for (size_t i = 0; i < count; i++)
        sift_up(top, i, (infer_logprob){(infer_token)i, logits[i]});
    for (size_t i = count; i < vocab_size; i += BLOCK) {
        size_t in_block = inf_min_size(BLOCK, vocab_size - i);
        if (inf_keys_range(logits + i, in_block).greatest <= inf_logit_key(top[0].logprob))
            continue;
        for (size_t j = i; j < i + in_block; j++)
            if (logits[j] > top[0].logprob)
                sift_down(top, count, (infer_logprob){(infer_token)j, logits[j]});
    }
    for (size_t left = count; left > 1; left--) {
        infer_logprob last = top[left - 1];
        top[left - 1] = top[0];
        sift_down(top, left - 1, last);
    }
    double logit_max = logits[best], log_sum = log_total(logits, vocab_size, logit_max);
    for (size_t i = 0; i < count; i++)
        top[i].logprob = (float)((double)top[i].logprob - logit_max - log_sum);
    return INFER_OK;
}
