/*
 * Worker threads that run one job together, and the barrier inside it. Waiting spins for a short
 * while and then sleeps in the kernel, so idle workers cost nothing.
 */
#ifndef INF_THREAD_H
#define INF_THREAD_H

#include "lib/base/base.h"

struct inf_pool;

/* A pool of `threads` (1 and up) in which the caller of inf_pool_run is number 0. */
infer_status inf_pool_new(const infer_allocator *a, uint32_t threads, struct inf_pool **pool,
                          infer_error *err);
void inf_pool_free(struct inf_pool *pool);
uint32_t inf_pool_threads(const struct inf_pool *pool);
size_t inf_pool_bytes(uint32_t threads); /* memory of a pool, beside the threads' stacks */

/* Runs job(ud, thread) on every thread and returns when all are done. One caller at a time. */
void inf_pool_run(struct inf_pool *pool, void (*job)(void *ud, uint32_t thread), void *ud);

/* For jobs: waits until every thread of the pool is here. Then the task counter starts at 0 again.
 */
void inf_pool_barrier(struct inf_pool *pool);

/* For jobs: the next number of a counter that all threads share; see inf_pool_barrier. */
uint32_t inf_pool_next(struct inf_pool *pool);

#endif
