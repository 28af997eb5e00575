/*
 * A fuzz target is one file: libFuzzer's entry, and the inputs that mutation starts from. Built
 * with -fsanitize=fuzzer it is a fuzzer, with replay_main.c a program that replays.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Input `index` to mutate, malloc'ed; false behind the last. The first *head_bytes of it are worth
 * most of the mutations. */
bool fuzz_base(size_t index, uint8_t **data, size_t *size, size_t *head_bytes);

#endif
