/*
 * Reads all that a parsed file holds, so that a sanitizer sees each access: every value, the first
 * and last byte of every tensor, every lookup.
 */
#ifndef WALK_H
#define WALK_H

#include "formats/gguf.h"

/* A sum over all of it; ends the process where a lookup does not find what is there. */
uint64_t walk_gguf(const struct inf_gguf *gguf);

#endif
