/* The pool of threads: each task of a share goes to one thread, in the order of its range. */
#include "lib/base/thread.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

Suite *suite_thread(void);

enum { MOST_TASKS = 257, MOST_THREADS = 5, SHARES = 3 };

struct run {
    struct inf_pool *pool;
    uint32_t tasks;
    bool slow; /* thread 0 holds its first task until all others are done */
    uint8_t *shares;
    _Atomic uint32_t given[SHARES][MOST_TASKS];
    uint32_t counts[MOST_THREADS], backwards;
};

static struct inf_share *share_of(const struct run *run, uint32_t i)
{
    return (void *)(run->shares + i * inf_share_bytes(inf_pool_threads(run->pool)));
}

static void job(void *ud, uint32_t thread)
{
    struct run *run = ud;
    for (uint32_t i = 0; i < SHARES; i++) {
        struct inf_share *share = share_of(run, i);
        for (uint32_t task, last = 0;
             (task = inf_share_take(run->pool, share, thread, run->tasks)) < run->tasks;
             last = task) {
            run->given[i][task]++;
            run->counts[thread]++;
            if (inf_pool_threads(run->pool) == 1)
                run->backwards += task < last;
            while (run->slow && thread == 0 && share->done + 1 < run->tasks)
                usleep(100);
            inf_share_finish(run->pool, share, run->tasks);
        }
        inf_share_wait(run->pool, share, run->tasks);
    }
}

static void run_shares(uint32_t threads, uint32_t tasks, bool slow)
{
    struct run run = {.tasks = tasks, .slow = slow};
    infer_error err;
    ck_assert_int_eq(inf_pool_new(&inf_allocator_default, threads, &run.pool, &err), INFER_OK);
    run.shares = calloc(SHARES, inf_share_bytes(threads));
    inf_pool_run(run.pool, job, &run);
    for (uint32_t i = 0; i < SHARES; i++)
        for (uint32_t task = 0; task < MOST_TASKS; task++)
            ck_assert_uint_eq(run.given[i][task], task < tasks);
    ck_assert_uint_eq(run.backwards, 0);
    if (slow) /* it is given no more than the one that it holds */
        ck_assert_uint_le(run.counts[0], SHARES);
    inf_pool_free(run.pool);
    free(run.shares);
}

START_TEST(test_each_task_once)
{
    const uint32_t tasks[] = {0, 1, 2, 3, 16, MOST_TASKS};
    for (uint32_t threads = 1; threads <= MOST_THREADS; threads++)
        for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
            run_shares(threads, tasks[i], false);
}
END_TEST

START_TEST(test_others_take_what_a_slow_thread_leaves)
{
    for (uint32_t threads = 2; threads <= MOST_THREADS; threads++)
        run_shares(threads, 64, true);
}
END_TEST

Suite *suite_thread(void)
{
    Suite *suite = suite_create("thread");
    TCase *tcase = tcase_create("shares");
    tcase_add_test(tcase, test_each_task_once);
    tcase_add_test(tcase, test_others_take_what_a_slow_thread_leaves);
    suite_add_tcase(suite, tcase);
    return suite;
}
