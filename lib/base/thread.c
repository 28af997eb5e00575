/* The pool: two words that threads wait on (the number of the job, the number of the barrier). */
#include "lib/base/thread.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPINS 20000
#define LINE 64 /* bytes of a cache line: words that different threads write stand apart */

struct worker {
    struct inf_pool *pool;
    uint32_t number;
    pthread_t thread;
};

struct inf_pool {
    infer_allocator a;
    uint32_t threads;
    struct worker *workers; /* threads - 1 */
    uint32_t started;
    void (*job)(void *ud, uint32_t thread);
    void *ud;
    _Alignas(LINE) _Atomic uint32_t job_number; /* rises by one for each job */
    _Alignas(LINE) _Atomic uint32_t round;      /* rises by one when a barrier opens */
    _Alignas(LINE) _Atomic uint32_t arrived;
    _Alignas(LINE) _Atomic uint32_t next;
    _Alignas(LINE) _Atomic uint32_t sleepers;
    bool stop;
};

static void pause_cpu(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Returns when *word is no longer `old`. */
static void wait_change(struct inf_pool *pool, _Atomic uint32_t *word, uint32_t old)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(word, memory_order_acquire) != old)
            return;
        pause_cpu();
    }
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(word) == old)
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
    atomic_fetch_sub(&pool->sleepers, 1);
}

static void change(struct inf_pool *pool, _Atomic uint32_t *word)
{
    atomic_fetch_add(word, 1);
    if (atomic_load(&pool->sleepers))
        syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

void inf_pool_barrier(struct inf_pool *pool)
{
    uint32_t round = atomic_load_explicit(&pool->round, memory_order_relaxed);
    if (atomic_fetch_add(&pool->arrived, 1) + 1 == pool->threads) {
        atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
        change(pool, &pool->round);
    } else {
        wait_change(pool, &pool->round, round);
    }
}

uint32_t inf_pool_next(struct inf_pool *pool)
{
    return atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
}

static void *work(void *ud)
{
    struct worker *worker = ud;
    struct inf_pool *pool = worker->pool;
    for (uint32_t seen = 0;; seen++) {
        wait_change(pool, &pool->job_number, seen);
        if (pool->stop)
            return NULL;
        pool->job(pool->ud, worker->number);
        inf_pool_barrier(pool);
    }
}

void inf_pool_run(struct inf_pool *pool, void (*job)(void *ud, uint32_t thread), void *ud)
{
    pool->job = job;
    pool->ud = ud;
    if (pool->threads > 1)
        change(pool, &pool->job_number);
    job(ud, 0);
    inf_pool_barrier(pool);
}

uint32_t inf_pool_threads(const struct inf_pool *pool)
{
    return pool->threads;
}

size_t inf_pool_bytes(uint32_t threads)
{
    return sizeof(struct inf_pool) + threads * sizeof(struct worker);
}

infer_status inf_pool_new(const infer_allocator *a, uint32_t threads, struct inf_pool **out,
                          infer_error *err)
{
    *out = NULL;
    struct inf_pool *pool = inf_alloc_zero(a, 1, sizeof *pool);
    if (!pool)
        return inf_fail_memory(err, "the thread pool", sizeof *pool);
    pool->a = *a;
    pool->threads = threads;
    pool->workers = inf_alloc_zero(a, threads, sizeof *pool->workers);
    if (!pool->workers) {
        inf_release(a, pool);
        return inf_fail_memory(err, "the thread pool", threads * sizeof *pool->workers);
    }
    sigset_t all, old; /* signals of the program are for its own threads */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (uint32_t i = 1; i < threads; i++) {
        struct worker *worker = &pool->workers[i - 1];
        *worker = (struct worker){.pool = pool, .number = i};
        if (pthread_create(&worker->thread, NULL, work, worker))
            break;
        pool->started++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (pool->started + 1 < threads) {
        uint32_t started = pool->started + 1;
        inf_pool_free(pool);
        return inf_fail(err, INFER_E_MEMORY, "the system gave %u of %u threads", started, threads);
    }
    *out = pool;
    return INFER_OK;
}

void inf_pool_free(struct inf_pool *pool)
{
    if (!pool)
        return;
    pool->stop = true;
    if (pool->started)
        change(pool, &pool->job_number);
    for (uint32_t i = 0; i < pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    infer_allocator a = pool->a;
    inf_release(&a, pool->workers);
    inf_release(&a, pool);
}
