/* Google Benchmark for C: a table of cases. The benchmark's main is in shim.cc. */
#ifndef BENCH_SHIM_H
#define BENCH_SHIM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench_case {
    char name[96];
    /* Makes what the case needs; called before it is timed, by one thread at a time, and again
     * without harm. NULL on success, else what is missing. */
    const char *(*prepare)(const struct bench_case *self);
    /* What is timed. turn counts up from 0 on each of the threads 0 ... threads - 1. */
    void (*once)(const struct bench_case *self, uint32_t thread, uint64_t turn);
    const void *kernel; /* of `once` */
    uint32_t row, a, b; /* of `once` */
    uint32_t threads;
    double bytes, ops; /* of one turn; 0: not shown */
};

/* The cases of this machine; the table is the caller's until the process ends. */
size_t bench_cases(const struct bench_case **cases);

#ifdef __cplusplus
}
#endif

#endif
