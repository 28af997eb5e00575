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
#define MKBAD_QWEN35 7
#define MKBAD_LFM2 8
#define MKBAD_GRANITEHYBRID 9
#define MKBAD_NEMOTRON_H 10
#define MKBAD_GEMMA4 11
#define MKBAD_LFM2MOE 12
#define MKBAD_GEMMA_EMBEDDING 13
#define MKBAD_STABLELM 14
#define MKBAD_QWEN3NEXT 15
#define MKBAD_APERTUS 16
#define MKBAD_BERT 17
    void (*edit)(struct mk_file *file, uint64_t value); /* NULL: the key `name` becomes the value */
    const uint64_t *values;                             /* NULL: 0 ... count - 1 */
    size_t count;
    enum mkbad_verdict parse, model;
};

extern const struct mkbad_row mkbad_container_rows[], mkbad_model_rows[], mkbad_expert_rows[],
    mkbad_family_rows[];
extern const size_t mkbad_container_count, mkbad_model_count, mkbad_expert_count,
    mkbad_family_count;

#endif
