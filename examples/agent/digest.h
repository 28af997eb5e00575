/* SHA-256, as text in hex. */
#ifndef AGENT_DIGEST_H
#define AGENT_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_HEX 65 /* with its NUL */

void digest_of(const void *data, size_t len, char hex[DIGEST_HEX]);

/* Of a file from its start to its end. False: it could not be read, or is larger than `most`. */
bool digest_of_file(int fd, size_t most, char hex[DIGEST_HEX]);

#endif
