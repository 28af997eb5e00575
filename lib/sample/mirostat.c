/* Mirostat 2.0. Surprises are those before the cut, as in the paper and its authors' code. */
#include "lib/sample/sample.h"

#include "lib/sample/sample_math.h"

void inf_mirostat_init(struct inf_mirostat *m, double tau, double eta)
{
    *m = (struct inf_mirostat){.tau = tau, .eta = eta, .mu = 2.0 * tau, .id = -1};
}

/* Surprise of item i in bits: -log2(weight / total). */
static double surprise(const struct inf_mirostat *m, const struct inf_candidates *c, size_t i)
{
    double down = (c->logit_max - (double)inf_key_logit(c->items[i].key)) * m->scale;
    return (down + inf_log(m->total)) / INF_LN2;
}

void inf_mirostat_cut(struct inf_mirostat *m, struct inf_candidates *c, double scale)
{
    m->scale = scale;
    m->total = inf_candidates_total(c, scale);
    inf_candidates_keep_near(c, scale, m->mu * INF_LN2 - inf_log(m->total));
}

void inf_mirostat_picked(struct inf_mirostat *m, const struct inf_candidates *c, size_t i)
{
    m->id = c->items[i].id;
    m->surprise = surprise(m, c, i);
}

void inf_mirostat_accept(struct inf_mirostat *m, infer_token id)
{
    if (id == m->id)
        m->mu -= m->eta * (m->surprise - m->tau);
    m->id = -1;
}
