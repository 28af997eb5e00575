/*
 * Numbers as text, the same in every locale.
 */
#ifndef INF_DECIMAL_H
#define INF_DECIMAL_H

#include "lib/base/base.h"

#define INF_DOUBLE_TEXT 32  /* bytes that inf_double_print needs */
#define INF_NUMBER_MAX 1024 /* bytes of a number that inf_double_read takes */

/* The shortest digits that give the same number again, as Python prints them: "1.0", "1e-07",
 * "inf". Returns the length. */
size_t inf_double_print(double value, char out[INF_DOUBLE_TEXT]);

/* A text of digits, with point and exponent as they come; false where it is something else, or
 * longer than INF_NUMBER_MAX. Too large is infinite. */
bool inf_double_read(const char *text, size_t len, double *value);

/* `value` with `precision` (at most 100) digits by C's e, f or g; returns the length, at most 440. */
#define INF_FORMAT_TEXT 448
size_t inf_double_format(double value, char type, int precision, char out[INF_FORMAT_TEXT]);

#endif
