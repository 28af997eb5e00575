/*
 * A prompt as its template wrote it: stretches of the template's own text, and stretches of what
 * people and tools said. Only in the first may control tokens stand.
 */
#ifndef INF_SPAN_H
#define INF_SPAN_H

#include "lib/base/base.h"

/* The bytes are borrowed. What a template joins from literals is one literal span. */
struct inf_span {
    const char *ptr;
    size_t len;
    bool literal;
};

#endif
