/* The table of pre-tokenizers, and walking a text by one of them. */
#include "lib/vocab/split_scan.h"

static const struct inf_split_rule rules[] = {
#define S(stage) inf_stage_##stage
#define SPLIT(name, flags, ...) {name, flags, {__VA_ARGS__}},
#include "lib/vocab/split.def"
#undef SPLIT
#undef S
};
#define RULES (sizeof rules / sizeof *rules)

const struct inf_split_rule *inf_split_find(struct inf_bytes name)
{
    for (size_t i = 0; i < RULES; i++)
        if (inf_bytes_equal(name, rules[i].name))
            return &rules[i];
    return NULL;
}

size_t inf_split_count(void)
{
    return RULES;
}

void inf_split_start(struct inf_split *split, const struct inf_split_rule *rule, const char *text,
                     size_t len)
{
    *split = (struct inf_split){.rule = rule, .text = (const unsigned char *)text, .len = len};
}

size_t inf_split_next(struct inf_split *split)
{
    size_t at = split->at, end = split->len;
    if (at == end)
        return 0;
    for (int i = 0; i < INF_SPLIT_STAGES && split->rule->stages[i]; i++) {
        if (split->ends[i] <= at)
            split->ends[i] = split->rule->stages[i](split->text, at, end);
        end = split->ends[i];
    }
    split->at = end;
    return end - at;
}
