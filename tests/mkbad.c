/* Numbers the cases of the tables and makes their files. */
#include "tests/mkbad_rows.h"

#include "formats/type.h"
#include "tests/tiny/models.h"

#include <stdio.h>
#include <stdlib.h>

#define TABLES 4

static const struct {
    const struct mkbad_row *rows;
    const size_t *count;
} tables[TABLES] = {
    {mkbad_container_rows, &mkbad_container_count},
    {mkbad_model_rows, &mkbad_model_count},
    {mkbad_expert_rows, &mkbad_expert_count},
    {mkbad_family_rows, &mkbad_family_count},
};

/* Row and value of case `index`, over all tables; NULL behind the last. */
static const struct mkbad_row *locate(size_t index, size_t *value)
{
    for (int t = 0; t < TABLES; t++)
        for (size_t i = 0; i < *tables[t].count; i++) {
            if (index < tables[t].rows[i].count) {
                *value = index;
                return &tables[t].rows[i];
            }
            index -= tables[t].rows[i].count;
        }
    return NULL;
}

size_t mkbad_count(void)
{
    size_t count = 0;
    for (int t = 0; t < TABLES; t++)
        for (size_t i = 0; i < *tables[t].count; i++)
            count += tables[t].rows[i].count;
    return count;
}

static struct mk_file *base_of(const struct mkbad_row *row)
{
    static const char *const kinds[] = {
        "deepseek2_v3",  "deepseek2_lite",  "gpt_oss",
        "mixture_apart", "qwen35",          "lfm2",
        "granitehybrid", "nemotron_h",      "gemma4",
        "lfm2moe",       "gemma_embedding", "stablelm",
        "qwen3next",     "apertus",         "bert",
    };
    if (row->base < MKBAD_DEEPSEEK2_V3)
        return row->base == 1 ? mk_base_t() : mk_base_t2();
    return tiny_file(tiny_kind_named(kinds[row->base - MKBAD_DEEPSEEK2_V3]), INF_TYPE_Q8_0, 1);
}

/* Fills all but the file; the row, and its value. */
static const struct mkbad_row *name_case(size_t index, struct mkbad_case *out, uint64_t *value)
{
    size_t which = 0;
    const struct mkbad_row *row = locate(index, &which);
    if (!row)
        abort();
    *value = row->values ? row->values[which] : which;
    *out = (struct mkbad_case){.parse = row->parse, .model = row->model};
    snprintf(out->row, sizeof out->row, "%s", row->row);
    snprintf(out->name, sizeof out->name, "%s_%s_%llu", row->row, row->name,
             (unsigned long long)*value);
    return row;
}

void mkbad_name(size_t index, struct mkbad_case *out)
{
    uint64_t value;
    name_case(index, out, &value);
}

void mkbad_make(size_t index, struct mkbad_case *out)
{
    uint64_t value;
    const struct mkbad_row *row = name_case(index, out, &value);
    struct mk_file *file = base_of(row);
    if (row->edit)
        row->edit(file, value);
    else
        mk_set_u32(file, row->name, (uint32_t)value);
    out->file = mk_build(file, &out->meta_bytes);
    mk_free(file);
}

void mkbad_free(struct mkbad_case *made)
{
    free(made->file.ptr);
    *made = (struct mkbad_case){.row = ""};
}
