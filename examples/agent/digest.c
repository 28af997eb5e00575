/* SHA-256 by libmd. */
#include <errno.h>
#include <sha2.h>
#include <unistd.h>

#include "digest.h"

_Static_assert(SHA256_DIGEST_STRING_LENGTH == DIGEST_HEX, "a digest in hex and its NUL");

void digest_of(const void *data, size_t len, char hex[DIGEST_HEX])
{
    SHA256Data(len ? data : "", len, hex);
}

bool digest_of_file(int fd, size_t most, char hex[DIGEST_HEX])
{
    SHA2_CTX context;
    SHA256Init(&context);
    unsigned char buffer[16384];
    size_t total = 0;
    for (;;) {
        ssize_t got = pread(fd, buffer, sizeof buffer, (off_t)total);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || (size_t)got > most - total)
            return false;
        if (!got)
            break;
        SHA256Update(&context, buffer, (size_t)got);
        total += (size_t)got;
    }
    SHA256End(&context, hex);
    return true;
}
