/* The pool, and the words that threads wait on: the number of the job, and what is done of a share. */
#include "lib/base/thread.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPINS 8000
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
    _Alignas(LINE) _Atomic uint32_t sleepers;
    _Alignas(LINE) _Atomic uint32_t through; /* threads that are through with the job */
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

static bool reached(_Atomic uint32_t *word, uint32_t value, bool equal)
{
    return (atomic_load_explicit(word, memory_order_acquire) == value) == equal;
}

/* Returns when *word is `value` (equal), or no longer is. */
static void wait_word(struct inf_pool *pool, _Atomic uint32_t *word, uint32_t value, bool equal)
{
    for (int i = 0; i < SPINS; i++) {
        if (reached(word, value, equal))
            return;
        pause_cpu();
    }
    atomic_fetch_add(&pool->sleepers, 1);
    for (uint32_t seen; ((seen = atomic_load(word)) == value) != equal;)
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    atomic_fetch_sub(&pool->sleepers, 1);
}

static void wake(struct inf_pool *pool, _Atomic uint32_t *word)
{
    if (atomic_load(&pool->sleepers))
        syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

/* One more of `all` is through. */
static void count(struct inf_pool *pool, _Atomic uint32_t *word, uint32_t all)
{
    if (atomic_fetch_add(word, 1) + 1 == all)
        wake(pool, word);
}

size_t inf_share_bytes(uint32_t threads)
{
    size_t bytes = sizeof(struct inf_share) + threads * sizeof(uint32_t);
    return (bytes + LINE - 1) / LINE * LINE;
}

/* Where a thread's range begins; of the number of threads: where the last one ends. */
static uint32_t first_of(uint32_t threads, uint32_t thread, uint32_t tasks)
{
    return (uint32_t)((uint64_t)tasks * thread / threads);
}

uint32_t inf_share_take(const struct inf_pool *pool, struct inf_share *share, uint32_t thread,
                        uint32_t tasks)
{
    for (uint32_t i = 0; i < pool->threads; i++) {
        uint32_t owner = (thread + i) % pool->threads;
        uint32_t first = first_of(pool->threads, owner, tasks);
        uint32_t size = first_of(pool->threads, owner + 1, tasks) - first;
        if (atomic_load_explicit(&share->taken[owner], memory_order_relaxed) >= size)
            continue;
        uint32_t at = atomic_fetch_add_explicit(&share->taken[owner], 1, memory_order_relaxed);
        if (at < size)
            return first + at;
    }
    return tasks;
}

void inf_share_finish(struct inf_pool *pool, struct inf_share *share, uint32_t tasks)
{
    count(pool, &share->done, tasks);
}

void inf_share_wait(struct inf_pool *pool, struct inf_share *share, uint32_t tasks)
{
    wait_word(pool, &share->done, tasks, true);
}

static void *work(void *ud)
{
    struct worker *worker = ud;
    struct inf_pool *pool = worker->pool;
    for (uint32_t seen = 0;; seen++) {
        wait_word(pool, &pool->job_number, seen, false);
        if (pool->stop)
            return NULL;
        pool->job(pool->ud, worker->number);
        count(pool, &pool->through, pool->threads);
    }
}

void inf_pool_run(struct inf_pool *pool, void (*job)(void *ud, uint32_t thread), void *ud)
{
    pool->job = job;
    pool->ud = ud;
    atomic_store(&pool->through, 0);
    atomic_fetch_add(&pool->job_number, 1);
    wake(pool, &pool->job_number);
    job(ud, 0);
    count(pool, &pool->through, pool->threads);
    wait_word(pool, &pool->through, pool->threads, true);
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
    atomic_fetch_add(&pool->job_number, 1);
    wake(pool, &pool->job_number);
    for (uint32_t i = 0; i < pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    infer_allocator a = pool->a;
    inf_release(&a, pool->workers);
    inf_release(&a, pool);
}
