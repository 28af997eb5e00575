/* For infer-agent-test: allocations that fail. AGENT_FAIL=N: the Nth from 0; N+: all from there on. AGENT_COUNT=FILE: how
 * many there were, at the end. What libc allocates for itself stands in for the calls that do. */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long count, first = -1, last = -1;
static pid_t agent;

static bool fails(void)
{
    long at = __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
    bool yes = at >= first && at <= last;
    errno = yes ? ENOMEM : errno;
    return yes;
}

#define WRAP(type, name, takes, ...)                                                               \
    type __real_##name takes;                                                                      \
    type __wrap_##name takes;                                                                      \
    type __wrap_##name takes                                                                       \
    {                                                                                              \
        return fails() ? NULL : __real_##name(__VA_ARGS__);                                        \
    }
WRAP(void *, malloc, (size_t size), size)
WRAP(void *, calloc, (size_t n, size_t size), n, size)
WRAP(void *, realloc, (void *data, size_t size), data, size)
WRAP(char *, strdup, (const char *text), text)
WRAP(char *, strndup, (const char *text, size_t size), text, size)
WRAP(FILE *, fopen, (const char *path, const char *mode), path, mode)
WRAP(FILE *, fdopen, (int fd, const char *mode), fd, mode)
WRAP(DIR *, opendir, (const char *path), path)
WRAP(DIR *, fdopendir, (int fd), fd)
WRAP(char *, realpath, (const char *path, char *resolved), path, resolved)

int __wrap_asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = fails() ? -1 : vasprintf(text, format, args);
    va_end(args);
    return len;
}

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("AGENT_FAIL");
    char *end;
    if (at) {
        first = strtol(at, &end, 10);
        last = *end == '+' ? __LONG_MAX__ : first;
    }
    count = 0;
    agent = getpid();
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("AGENT_COUNT");
    FILE *file = path && getpid() == agent ? __real_fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "%ld\n", count);
        fclose(file);
    }
}
