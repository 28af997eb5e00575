/*
 * What a device does for a plan: it runs one batch of rows through all steps. The CPU is the one
 * device there is (cpu.c); weights are read where they are mapped, so nothing is uploaded.
 */
#ifndef INF_DEVICE_H
#define INF_DEVICE_H

#include "lib/plan/plan.h"

/* The rows of one pass. Rows of one session follow each other, with rising positions. */
struct inf_batch {
    uint32_t rows; /* 1 ... plan->info.batch */
    const infer_token *ids;
    const uint32_t *positions;
    uint8_t *const *kv;  /* each row's session cache */
    float *const *state; /* each row's session state, of a plan with recurrent layers */
    float *const *copy;  /* not NULL for a row: the state before it is copied there */
    uint32_t wanted;
    const uint32_t *want;        /* (wanted) rows whose logits are kept */
    const uint32_t *logit_rows;  /* (wanted) their rows in plan->logits */
    _Atomic bool *const *cancel; /* (sessions in the batch) raised by any thread: stop */
    uint32_t cancels;
    float *embedding; /* (embd) what is pooled of the batch's one session; NULL in other plans */
};

/* INFER_E_CANCELLED, or INFER_E_NUMERIC where a row's result is not finite: *bad_row is the first. */
infer_status inf_cpu_run(struct infer_plan *plan, const struct inf_batch *batch, uint32_t *bad_row,
                         infer_error *err);

/* Runs a batch step by step on the calling thread; the text of the INFER_E_NUMERIC that it returns
 * names the first step whose result is not finite. */
infer_status inf_cpu_find_fault(struct infer_plan *plan, const struct inf_batch *batch,
                                infer_error *err);

/* Levels that this machine runs, as bits 1 << enum inf_isa; the best of them. */
unsigned inf_cpu_usable(void);
enum inf_isa inf_cpu_best(void);

/* cblas_sgemm of the OpenBLAS of this machine, which is loaded by the first call and then set to one
 * thread. INFER_E_UNSUPPORTED where the build or the machine has none. */
infer_status inf_blas_open(inf_sgemm_fn **sgemm, infer_error *err);

/* Threads that a plan gets unless told otherwise. */
uint32_t inf_cpu_default_threads(void);

#endif
