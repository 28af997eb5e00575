/* The ways to write a grammar: each reads a text into a draft and names its root rule. */
#ifndef INF_FRONT_H
#define INF_FRONT_H

#include "lib/base/json.h"
#include "lib/grammar/automaton.h"

infer_status inf_gbnf_read(struct inf_draft *d, const char *text, size_t len, uint32_t *root,
                           infer_error *err);

infer_status inf_schema_read(struct inf_draft *d, const char *text, size_t len,
                             struct inf_budget *budget, uint32_t *root, infer_error *err);

/* The rule of a schema within a document, which outlives the draft; object: it must be one too; printed:
 * its blanks are those of Python's json.dumps, which chat templates print: ", " and ": ". */
infer_status inf_schema_rule(struct inf_draft *d, const struct inf_json *root,
                             const struct inf_json *node, bool object, bool printed,
                             struct inf_budget *budget, uint32_t *rule, infer_error *err);

#endif
