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

/* A piece of a job that any of the threads may do: `tasks` numbers, each given to one thread. Every
 * thread has a range of them, so that it walks memory in order, and takes of the others' when its own is
 * used up. Whoever comes late finds it done and goes on, so nobody waits for a thread that the system
 * has put aside, unless it holds a task. Zeroed before a job. */
struct inf_share {
    _Atomic uint32_t done;
    _Atomic uint32_t taken[]; /* (threads): of each one's range */
};

size_t inf_share_bytes(uint32_t threads); /* whole cache lines */

/* The next task for a thread; `tasks`: none is left. */
uint32_t inf_share_take(const struct inf_pool *pool, struct inf_share *share, uint32_t thread,
                        uint32_t tasks);

/* A task is finished. */
void inf_share_finish(struct inf_pool *pool, struct inf_share *share, uint32_t tasks);

/* Returns when all tasks are finished, by whomever. */
void inf_share_wait(struct inf_pool *pool, struct inf_share *share, uint32_t tasks);

#endif
