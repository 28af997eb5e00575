/* JSON Schema. */
#include "lib/grammar/front.h"

infer_status inf_schema_read(struct inf_draft *d, const char *text, size_t len,
                             struct inf_budget *budget, uint32_t *root, infer_error *err)
{
    (void)d, (void)text, (void)len, (void)budget, (void)root;
    return inf_fail(err, INFER_E_UNSUPPORTED, "JSON Schema is not supported yet");
}
