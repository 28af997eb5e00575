/* The tables behind mkbad.h. */
#ifndef MKBAD_ROWS_H
#define MKBAD_ROWS_H

#include "tests/mkbad.h"

struct mkbad_row {
    const char *row, *name;
    int base; /* 1: T, 2: T2; kinds of tests/tiny: */
#define MKBAD_DEEPSEEK2_V3 3
#define MKBAD_DEEPSEEK2_LITE 4
#define MKBAD_GPT_OSS 5
#define MKBAD_MIXTURE_APART 6
    void (*edit)(struct mk_file *file, uint64_t value);
    const uint64_t *values; /* NULL: 0 ... count - 1 */
    size_t count;
    enum mkbad_verdict parse, model;
};

extern const struct mkbad_row mkbad_container_rows[], mkbad_model_rows[], mkbad_expert_rows[];
extern const size_t mkbad_container_count, mkbad_model_count, mkbad_expert_count;

#endif
