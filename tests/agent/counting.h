/* What the tests of the agent's parts share: counting, and memory that runs out (they are linked with --wrap). */
#ifndef TESTS_AGENT_COUNTING_H
#define TESTS_AGENT_COUNTING_H

#include <stdbool.h>
#include <stddef.h>

void count_check(bool holds, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#define CHECK(holds, ...) count_check((holds), __FILE__, __LINE__, __VA_ARGS__)

/* The allocation that fails, counted from 0; -1: none. */
extern long count_fail_at;

/* Prints `N passed, N failed`; the status of the program. */
int count_end(void);

#endif
