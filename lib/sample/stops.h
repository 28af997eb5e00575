/*
 * Stop texts in a stream of bytes: what may be shown to the user, and whether to stop.
 *
 *     struct inf_stops *stops;
 *     status = inf_stops_new(a, texts, count, &stops, err);
 *     for each token: {
 *         status = inf_stops_feed(stops, bytes, len, &out, &found, err);
 *         show(out.ptr, out.len);
 *         if (found) break;
 *     }
 *     if (!found) {
 *         out = inf_stops_flush(stops);
 *         show(out.ptr, out.len);
 *     }
 *     inf_stops_free(stops);
 *
 * All that is released, put together, is the text up to where the stop text begins, or all of the
 * text where none is found. It does not depend on how the text is cut into feeds.
 *
 * - Which match: the one that is complete first; of several that end at the same byte the longest.
 *   So the stop is found with its last byte, never later.
 * - Held back: the longest end of the text that is the beginning of a stop text; and a UTF-8
 *   character of which bytes are missing, or of which a byte is held back, as long as it can still
 *   become a valid one. So a release ends between characters wherever the text is valid UTF-8.
 *   Bytes that are not UTF-8 are released one by one, as they are. What stands before a stop text
 *   and what flush gives is released whatever it is.
 * - Time: linear in the bytes fed, whatever the number of stop texts (the automaton of Aho and
 *   Corasick 1975). Building it is linear in the bytes of the stop texts.
 */
#ifndef INF_STOPS_H
#define INF_STOPS_H

#include "lib/base/base.h"

struct inf_stops;

/* texts[count], NUL-terminated, copied; count 0: nothing stops, only characters are kept whole.
 * INFER_E_ARGUMENT for a NULL or empty text (named by its index), INFER_E_LIMIT where all texts
 * together have INF_MAX_STRING bytes or more, INFER_E_MEMORY. */
infer_status inf_stops_new(const infer_allocator *a, const char *const *texts, size_t count,
                           struct inf_stops **stops, infer_error *err);
void inf_stops_free(struct inf_stops *stops);

/* Takes the next bytes of the text. *out is what may be shown now (perhaps empty), valid until the
 * next call. *found: a stop text is complete; until flush, nothing more is released.
 * Feeds of at most INF_MAX_TOKEN_TEXT bytes take no memory and cannot fail; longer ones can, with
 * INFER_E_MEMORY, and the object is then as before the call. */
infer_status inf_stops_feed(struct inf_stops *stops, const char *bytes, size_t len,
                            struct inf_bytes *out, bool *found, infer_error *err);

/* The end of the text: what was held back (valid until the next call), nothing after a stop. The
 * next feed begins another text. */
struct inf_bytes inf_stops_flush(struct inf_stops *stops);

#endif
