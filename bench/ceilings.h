/*
 * What this machine can do at most, measured now, with the threads that the engine will use.
 *
 * All threads start a round together; a round's time is from the first start to the last end, its
 * rate the work of all of them. Each figure is the median of the rounds; `best` is the fastest one.
 */
#ifndef BENCH_CEILINGS_H
#define BENCH_CEILINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_rate {
    double median, best; /* 1e9 a second: GB/s or Gop/s */
    const char *unit;    /* the instruction that was measured; static */
};

struct bench_ceilings {
    struct bench_rate read; /* streaming read of memory */
    struct bench_rate int8; /* dot products of int8; an op is a multiply or an add */
    struct bench_rate f32;  /* float fused multiply and add, two ops each */
    uint64_t read_bytes;    /* read in a round */
    uint32_t threads;
};

/* Takes about two seconds. False where memory or threads are missing. */
bool bench_ceilings_measure(uint32_t threads, struct bench_ceilings *out);

/* A child process that measures the read rate between other work, in some 20 ms. What it takes (256 MiB, less
 * where memory is short) is no memory of this process. */
struct bench_meter {
    int pid, socket;
};

/* While no other thread of this process is at work. False where the system gives no process. */
bool bench_meter_start(struct bench_meter *meter, uint32_t threads);
double bench_meter_read(const struct bench_meter *meter); /* GB/s; 0: it cannot, or has died */
void bench_meter_stop(struct bench_meter *meter);

/* The processor's name out of /proc/cpuinfo, with its family and model number, which a virtual
 * machine's name often hides. Never empty. */
void bench_processor(char *text, size_t capacity);

#endif
