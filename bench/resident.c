/*
 * Resident memory. /proc/self/smaps_rollup walks the page tables and is exact; the counters of
 * /proc/self/status may lag behind by some pages a thread, but only they know the peak. The peak is
 * of file and anonymous pages together; anonymous pages are counted where the caller looks.
 */
#include "bench/bench.h"

#include <stdio.h>
#include <string.h>

/* Bytes of the line "key:  123 kB"; 0 where there is none. */
static uint64_t kib_line(const char *path, const char *key)
{
    char line[256];
    unsigned long long kib = 0;
    size_t len = strlen(key);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, len) == 0 && line[len] == ':' &&
            sscanf(line + len + 1, "%llu", &kib) == 1)
            break;
    }
    if (file)
        fclose(file);
    return kib * 1024;
}

void bench_resident_get(struct bench_resident *out)
{
    out->peak = kib_line("/proc/self/status", "VmHWM");
    out->total = kib_line("/proc/self/smaps_rollup", "Rss");
    out->anon = kib_line("/proc/self/smaps_rollup", "Anonymous");
    if (out->total == 0) {
        out->total = kib_line("/proc/self/status", "VmRSS");
        out->anon = kib_line("/proc/self/status", "RssAnon");
    }
    out->file = out->total > out->anon ? out->total - out->anon : 0;
}

bool bench_resident_reset(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "we");
    if (!file)
        return false;
    bool good = fputs("5\n", file) >= 0;
    return fclose(file) == 0 && good;
}
