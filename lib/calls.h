/*
 * Tool calls of the public header, and what the loop that makes a turn asks of them beside: what may come
 * next, and when to stop.
 *
 *     infer_tools_begin(tools, ids, count, err);
 *     inf_tools_attach(tools, sampler, err);
 *     for each token: {
 *         inf_tools_hold(tools, sampler);
 *         ... sample, accept ...
 *         if (infer_token_ends(model, id) && !inf_tools_keeps(tools, id)) break;
 *         infer_tools_next(tools, id, bytes, len, on_event, ud, err);
 *         if (inf_tools_over(tools)) break;        the model waits for the results: INFER_STOP_END
 *     }
 *     inf_tools_detach(tools, sampler);
 *     infer_tools_end(tools, stop, on_event, ud, err);
 */
#ifndef INF_CALLS_H
#define INF_CALLS_H

#include "lib/model.h"

/* INFER_E_ARGUMENT where calls are held and the sampler (NULL: none) holds to a grammar of its own. */
infer_status inf_tools_fit(const infer_tools *tools, const infer_sampler *sampler,
                           infer_error *err);

/* Puts the grammar of the turn into the sampler, where there is one (else the sampler keeps what it has);
 * detach takes it out again. */
infer_status inf_tools_attach(const infer_tools *tools, infer_sampler *sampler, infer_error *err);
void inf_tools_detach(const infer_tools *tools, infer_sampler *sampler);

/* Before each pick: the grammar rests in thoughts. */
void inf_tools_hold(const infer_tools *tools, infer_sampler *sampler);

/* Whether a token that ends turns is a part of this one where it stands. */
bool inf_tools_keeps(const infer_tools *tools, infer_token id);

/* Whether the turn should stop here: behind the calls. */
bool inf_tools_over(const infer_tools *tools);

/* Whether the next token is part of a thought, and which token ends it (-1: none does). */
bool inf_tools_thinks(const infer_tools *tools, infer_token *end);

/* The tools as the variable `tools` of a template: a JSON array of {"type": "function", "function": ...}. */
struct inf_bytes inf_tools_variable(const infer_tools *tools);

const infer_model *inf_tools_model(const infer_tools *tools);

#endif
