/* Numbers the cases of the tables and makes their files. */
#include "tests/mkbad_rows.h"

#include <stdio.h>
#include <stdlib.h>

/* Row and value of case `index`, over both tables; NULL behind the last. */
static const struct mkbad_row *locate(size_t index, size_t *value)
{
    for (size_t i = 0; i < mkbad_container_count + mkbad_model_count; i++) {
        const struct mkbad_row *row = i < mkbad_container_count
                                          ? &mkbad_container_rows[i]
                                          : &mkbad_model_rows[i - mkbad_container_count];
        if (index < row->count) {
            *value = index;
            return row;
        }
        index -= row->count;
    }
    return NULL;
}

size_t mkbad_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < mkbad_container_count; i++)
        count += mkbad_container_rows[i].count;
    for (size_t i = 0; i < mkbad_model_count; i++)
        count += mkbad_model_rows[i].count;
    return count;
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
    struct mk_file *file = row->base == 1 ? mk_base_t() : mk_base_t2();
    row->edit(file, value);
    out->file = mk_build(file, &out->meta_bytes);
    mk_free(file);
}

void mkbad_free(struct mkbad_case *made)
{
    free(made->file.ptr);
    *made = (struct mkbad_case){.row = ""};
}
