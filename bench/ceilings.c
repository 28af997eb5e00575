/* The ceilings: threads that start together, and the loops that they run (loops.h). */
#include "bench/ceilings.h"

#include "bench/loops.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 9
#define MEMORY_MOST ((uint64_t)1 << 30)
#define METER_MOST ((uint64_t)256 << 20) /* of the meter, which is quick */
#define METER_ROUNDS 3
#define MEMORY_LEAST ((uint64_t)64 << 20)
#define TURNS_TRIED 20000
#define ROUND_S 0.05 /* of the arithmetic */

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- Threads that start together ------------------------------------------------------------ */

struct work {
    bench_loop *loop;      /* arithmetic, or */
    bench_reader *reader;  /* reading */
    uint64_t turns;        /* of the loop */
    uint8_t *memory;       /* (threads, share) */
    uint64_t share, bytes; /* bytes: of all of it, mapped */
};

struct team {
    uint32_t threads, rounds;
    const struct work *work;
    _Atomic uint32_t arrived, round;
    atomic_bool stop;
    double (*start)[ROUNDS], (*end)[ROUNDS]; /* (threads, ROUNDS) */
};

struct member {
    struct team *team;
    uint32_t number;
    pthread_t thread;
};

/* Waits for the others; spins, so that all go on within a microsecond. False: the end. */
static bool together(struct team *team)
{
    uint32_t round = atomic_load(&team->round);
    if (atomic_fetch_add(&team->arrived, 1) + 1 == team->threads) {
        atomic_store(&team->arrived, 0);
        atomic_fetch_add(&team->round, 1);
    }
    for (uint32_t spins = 0; atomic_load(&team->round) == round; spins++) {
        if (atomic_load(&team->stop))
            return false;
        if (spins > 100000)
            usleep(50);
    }
    return true;
}

static void *run_member(void *ud)
{
    struct member *member = ud;
    struct team *team = member->team;
    const struct work *work = team->work;
    for (uint32_t r = 0; r < team->rounds; r++) {
        if (!together(team))
            return NULL;
        team->start[member->number][r] = now_s();
        if (work->loop)
            work->loop(work->turns);
        else
            work->reader(work->memory + member->number * work->share, work->share);
        team->end[member->number][r] = now_s();
    }
    return NULL;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Runs the rounds on team->threads threads, this one among them. amount: of all in one round. */
static bool run_team(struct team *team, struct member *members, double amount,
                     struct bench_rate *rate)
{
    uint32_t started = 1;
    for (; started < team->threads; started++) {
        members[started] = (struct member){.team = team, .number = started};
        if (pthread_create(&members[started].thread, NULL, run_member, &members[started]))
            break;
    }
    bool whole = started == team->threads;
    members[0] = (struct member){.team = team};
    if (whole)
        run_member(&members[0]);
    else
        atomic_store(&team->stop, true);
    for (uint32_t i = 1; i < started; i++)
        pthread_join(members[i].thread, NULL);
    if (!whole)
        return false;
    double rates[ROUNDS];
    for (uint32_t r = 0; r < team->rounds; r++) {
        double first = team->start[0][r], last = team->end[0][r];
        for (uint32_t i = 1; i < team->threads; i++) {
            first = team->start[i][r] < first ? team->start[i][r] : first;
            last = team->end[i][r] > last ? team->end[i][r] : last;
        }
        rates[r] = last > first ? amount / (last - first) * 1e-9 : 0;
    }
    qsort(rates, team->rounds, sizeof *rates, ascending);
    rate->median = rates[team->rounds / 2];
    rate->best = rates[team->rounds - 1];
    return true;
}

static bool measure(const struct work *work, uint32_t threads, uint32_t rounds, double amount,
                    struct bench_rate *rate)
{
    struct team team = {.threads = threads, .rounds = rounds, .work = work};
    struct member *members = calloc(threads, sizeof *members);
    team.start = calloc(threads, sizeof *team.start);
    team.end = calloc(threads, sizeof *team.end);
    bool good = members && team.start && team.end && run_team(&team, members, amount, rate);
    free(members);
    free(team.start);
    free(team.end);
    return good;
}

/* ---- The three ------------------------------------------------------------------------------ */

static bool measure_arithmetic(bench_loop *loop, double ops_a_turn, uint32_t threads,
                               struct bench_rate *rate)
{
    loop(TURNS_TRIED); /* the clock settles */
    double start = now_s();
    loop(TURNS_TRIED);
    double spent = now_s() - start;
    struct work work = {.loop = loop, .turns = TURNS_TRIED};
    if (spent < ROUND_S)
        work.turns = (uint64_t)(TURNS_TRIED * ROUND_S / (spent > 1e-6 ? spent : 1e-6));
    return measure(&work, threads, ROUNDS, ops_a_turn * (double)work.turns * threads, rate);
}

/* What is read: at most `bytes`, far larger than any cache, in large pages where the system has them:
 * walks of page tables are no part of what the memory can give. */
static bool make_memory(uint64_t bytes, uint32_t threads, struct work *work)
{
    long pages = sysconf(_SC_AVPHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    while (pages > 0 && bytes > MEMORY_LEAST && bytes > (uint64_t)pages * (uint64_t)page / 2)
        bytes /= 2;
    uint8_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    madvise(memory, bytes, MADV_HUGEPAGE);
    memset(memory, 1, bytes);
    struct bench_loops loops;
    bench_loops_pick(&loops);
    *work = (struct work){.reader = loops.read,
                          .memory = memory,
                          .bytes = bytes,
                          .share = bytes / threads / BENCH_READ_STEP * BENCH_READ_STEP};
    return true;
}

static bool measure_read(uint32_t threads, struct bench_ceilings *out)
{
    struct work work;
    if (!make_memory(MEMORY_MOST, threads, &work))
        return false;
    out->read_bytes = work.share * threads;
    bool good = measure(&work, threads, ROUNDS, (double)out->read_bytes, &out->read);
    munmap(work.memory, work.bytes);
    return good;
}

bool bench_ceilings_measure(uint32_t threads, struct bench_ceilings *out)
{
    struct bench_loops loops;
    bench_loops_pick(&loops);
    *out = (struct bench_ceilings){.threads = threads};
    out->read.unit = loops.read_unit;
    out->int8.unit = loops.int8_unit;
    out->f32.unit = loops.f32_unit;
    return threads > 0 && measure_read(threads, out) &&
           measure_arithmetic(loops.int8, loops.int8_ops, threads, &out->int8) &&
           measure_arithmetic(loops.f32, loops.f32_ops, threads, &out->f32);
}

/* ---- The meter -------------------------------------------------------------------------------- */

static void answer_until_end(int socket, uint32_t threads)
{
    struct work work;
    bool good = make_memory(METER_MOST, threads, &work);
    for (char byte; good && read(socket, &byte, 1) == 1;) {
        struct bench_rate rate;
        good = measure(&work, threads, METER_ROUNDS, (double)work.share * threads, &rate) &&
               write(socket, &rate.median, sizeof rate.median) == sizeof rate.median;
    }
    _exit(0);
}

bool bench_meter_start(struct bench_meter *meter, uint32_t threads)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return false;
    meter->pid = fork();
    if (meter->pid == 0) {
        close(ends[0]);
        answer_until_end(ends[1], threads);
    }
    close(ends[1]);
    meter->socket = ends[0];
    if (meter->pid < 0)
        close(meter->socket);
    return meter->pid > 0;
}

double bench_meter_read(const struct bench_meter *meter)
{
    double rate = 0;
    /* no signal where it has died */
    if (send(meter->socket, "", 1, MSG_NOSIGNAL) != 1 ||
        read(meter->socket, &rate, sizeof rate) != sizeof rate)
        return 0;
    return rate;
}

void bench_meter_stop(struct bench_meter *meter)
{
    close(meter->socket);
    waitpid(meter->pid, NULL, 0);
}

/* ---- The processor's name ------------------------------------------------------------------- */

/* The value behind "key   : " where the line begins with key; NULL else. */
static const char *value_of(const char *line, const char *key)
{
    size_t len = strlen(key);
    if (strncmp(line, key, len) != 0)
        return NULL;
    line += len + strspn(line + len, " \t");
    return *line == ':' ? line + 1 + strspn(line + 1, " \t") : NULL;
}

void bench_processor(char *text, size_t capacity)
{
    static const char *const keys[] = {"model name", "cpu family", "model", "CPU implementer",
                                       "CPU part"};
    char found[5][128] = {{0}}, line[512];
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file && fgets(line, sizeof line, file) && strcmp(line, "\n") != 0) {
        for (int i = 0; i < 5; i++) {
            const char *value = value_of(line, keys[i]);
            if (value)
                snprintf(found[i], sizeof found[i], "%.*s", (int)strcspn(value, "\n"), value);
        }
    }
    if (file)
        fclose(file);
    if (found[0][0] && found[1][0])
        snprintf(text, capacity, "%s (family %s model %s)", found[0], found[1], found[2]);
    else if (found[3][0])
        snprintf(text, capacity, "implementer %s part %s", found[3], found[4]);
    else
        snprintf(text, capacity, "%s", found[0][0] ? found[0] : "unknown processor");
}
