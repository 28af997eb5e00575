/*
 * A slow recogniser for GBNF, written apart from lib/grammar: its own parser makes plain productions over
 * bytes, Earley's method follows them. Rules must lead to some text each; classes have ASCII members
 * alone (a negated one takes any character beyond ASCII too).
 */
#ifndef GBNF_REFERENCE_H
#define GBNF_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

struct reference;

struct reference *reference_new(const char *grammar);
void reference_free(struct reference *r);
void reference_reset(struct reference *r);
bool reference_take(struct reference *r, const char *bytes, size_t len);
bool reference_would_take(const struct reference *r, const char *bytes, size_t len);
bool reference_can_end(const struct reference *r);

#endif
