#include "tests/agent/counting.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHOWN_MOST = 40 };

static int passed, failed;

void count_check(bool holds, const char *file, int line, const char *format, ...)
{
    if (holds) {
        passed++;
        return;
    }
    if (failed++ > SHOWN_MOST)
        return;
    va_list args;
    va_start(args, format);
    printf("%s:%d: ", file, line);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

int count_end(void)
{
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}

long count_fail_at = -1;

static bool fails(void)
{
    return count_fail_at >= 0 && count_fail_at-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *data, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *data, size_t size);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *data, size_t size)
{
    return fails() ? NULL : __real_realloc(data, size);
}
