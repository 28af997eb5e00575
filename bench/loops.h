/* The loops behind the ceilings, the best that this processor can run. */
#ifndef BENCH_LOOPS_H
#define BENCH_LOOPS_H

#include <stdint.h>

/* Goes round `turns` times, on registers alone. */
typedef void bench_loop(uint64_t turns);

/* Reads bytes[count], count a multiple of BENCH_READ_STEP. */
typedef void bench_reader(const uint8_t *bytes, uint64_t count);
#define BENCH_READ_STEP 4096

struct bench_loops {
    bench_reader *read;
    bench_loop *int8, *f32;
    double int8_ops, f32_ops; /* multiplies and adds in a turn */
    const char *read_unit, *int8_unit, *f32_unit;
};

void bench_loops_pick(struct bench_loops *out);

#endif
