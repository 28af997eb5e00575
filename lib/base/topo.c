/* Processors, cores, caches, nodes and quotas, as the files of /sys and /proc tell them. */
#include "lib/base/topo.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_MAX_BYTES 4096
#define TEXT_MAX 4096
#define CACHES_MAX 16 /* index0 ... of a processor */

static bool has_cpu(const struct inf_cpu_mask *mask, uint64_t cpu)
{
    return cpu < INF_CPUS_MAX && CPU_ISSET_S(cpu, sizeof mask->sets, mask->sets);
}

/* The beginning of a file as text; false where there is none. */
static bool read_text(char text[TEXT_MAX], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool read_text(char text[TEXT_MAX], const char *format, ...)
{
    char path[PATH_MAX_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(path, sizeof path, format, args);
    va_end(args);
    int fd = len < 0 || (size_t)len >= sizeof path ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, TEXT_MAX - 1);
    close(fd);
    text[n < 0 ? 0 : n] = '\0';
    return n > 0;
}

/* A number of decimal digits alone at *at, which is moved behind it. */
static bool take_number(const char **at, uint64_t *value)
{
    if (**at < '0' || **at > '9')
        return false;
    char *end;
    *value = strtoull(*at, &end, 10);
    *at = end;
    return true;
}

/* The next range of a list such as "0-3,8,12-15"; false at its end. */
static bool take_range(const char **at, uint64_t *first, uint64_t *last)
{
    *at += **at == ',';
    if (!take_number(at, first))
        return false;
    *last = *first;
    if (**at == '-') {
        ++*at;
        return take_number(at, last);
    }
    return true;
}

/* The lowest processor of a list that is in the mask; UINT64_MAX where none is. */
static uint64_t lowest_in(const struct inf_cpu_mask *mask, const char *list)
{
    uint64_t first, last;
    while (take_range(&list, &first, &last))
        for (uint64_t cpu = first; cpu <= last && cpu < INF_CPUS_MAX; cpu++)
            if (has_cpu(mask, cpu))
                return cpu;
    return UINT64_MAX;
}

/* A processor counts as a core unless a lower one of the mask is on the same core. */
static void read_cores(const char *root, const struct inf_cpu_mask *mask, struct inf_topo *topo)
{
    char text[TEXT_MAX];
    for (unsigned cpu = 0; cpu < INF_CPUS_MAX; cpu++) {
        if (!has_cpu(mask, cpu))
            continue;
        topo->processors++;
        uint64_t lowest = UINT64_MAX;
        if (read_text(text, "%s/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", root,
                      cpu))
            lowest = lowest_in(mask, text);
        topo->cores += lowest == cpu || lowest == UINT64_MAX;
    }
}

static void read_nodes(const char *root, const struct inf_cpu_mask *mask, struct inf_topo *topo)
{
    char online[TEXT_MAX], text[TEXT_MAX];
    const char *list = online;
    uint64_t first, last;
    if (read_text(online, "%s/sys/devices/system/node/online", root))
        while (take_range(&list, &first, &last))
            for (uint64_t node = first; node <= last && node < INF_CPUS_MAX; node++)
                if (read_text(text, "%s/sys/devices/system/node/node%u/cpulist", root,
                              (unsigned)node))
                    topo->nodes += lowest_in(mask, text) != UINT64_MAX;
    topo->nodes += !topo->nodes;
}

/* "32K", "1024K", "2M". */
static size_t cache_bytes(const char *text)
{
    uint64_t value;
    if (!take_number(&text, &value) || value > SIZE_MAX >> 20)
        return 0;
    return (size_t)value << (*text == 'K' ? 10 : *text == 'M' ? 20 : 0);
}

static void read_caches(const char *root, const struct inf_cpu_mask *mask, struct inf_topo *topo)
{
    unsigned cpu = 0;
    char text[TEXT_MAX];
    while (cpu < INF_CPUS_MAX && !has_cpu(mask, cpu))
        cpu++;
    for (unsigned i = 0; i < CACHES_MAX; i++) {
#define CACHE_FILE "%s/sys/devices/system/cpu/cpu%u/cache/index%u/"
        if (!read_text(text, CACHE_FILE "type", root, cpu, i))
            return;
        bool is_data = !strncmp(text, "Data", 4) || !strncmp(text, "Unified", 7);
        if (!is_data || !read_text(text, CACHE_FILE "level", root, cpu, i))
            continue;
        char level = text[0];
        size_t bytes = read_text(text, CACHE_FILE "size", root, cpu, i) ? cache_bytes(text) : 0;
#undef CACHE_FILE
        if (level == '1')
            topo->l1_bytes = bytes;
        else if (level == '2')
            topo->l2_bytes = bytes;
        else if (level == '3')
            topo->l3_bytes = bytes;
    }
}

/* ---- Quota ------------------------------------------------------------------------------------- */

static uint32_t whole(uint64_t quota, uint64_t period)
{
    uint64_t cpus = period ? quota / period + (quota % period != 0) : 0;
    return !cpus || cpus > UINT32_MAX ? UINT32_MAX : (uint32_t)cpus;
}

/* Version 2: "QUOTA PERIOD", or "max PERIOD". */
static uint32_t quota_v2(const char *root, const char *group)
{
    char text[TEXT_MAX];
    const char *at = text;
    uint64_t quota, period;
    if (!read_text(text, "%s/sys/fs/cgroup%s/cpu.max", root, group) || !take_number(&at, &quota) ||
        *at++ != ' ' || !take_number(&at, &period))
        return UINT32_MAX;
    return whole(quota, period);
}

/* Version 1: two files, the quota -1 where there is none. */
static uint32_t quota_v1(const char *root, const char *group)
{
    char text[TEXT_MAX];
    const char *at = text;
    uint64_t quota, period;
    if (!read_text(text, "%s/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", root, group) ||
        !take_number(&at, &quota))
        return UINT32_MAX;
    at = text;
    if (!read_text(text, "%s/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", root, group) ||
        !take_number(&at, &period))
        return UINT32_MAX;
    return whole(quota, period);
}

/* The least quota of a group and of all above it: each holds for what is below. A container may see
 * the name that its group has outside, where nothing is inside; then the top is what counts. */
static uint32_t least_quota(const char *root, char *group,
                            uint32_t (*quota_of)(const char *root, const char *group))
{
    uint32_t least = UINT32_MAX;
    for (;;) {
        uint32_t quota = quota_of(root, group);
        least = quota < least ? quota : least;
        char *slash = strrchr(group, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

/* Whether `name` is among the comma-separated controllers of list[0..len). */
static bool has_controller(const char *list, size_t len, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i + n <= len; i++)
        if (!memcmp(list + i, name, n) && (!i || list[i - 1] == ',') &&
            (i + n == len || list[i + n] == ','))
            return true;
    return false;
}

/* /proc/self/cgroup has lines of "NUMBER:CONTROLLERS:/GROUP"; version 2 names no controller. */
static uint32_t read_quota(const char *root)
{
    char text[TEXT_MAX], top[] = "";
    uint32_t least = least_quota(root, top, quota_v2), quota = least_quota(root, top, quota_v1);
    least = quota < least ? quota : least;
    if (!read_text(text, "%s/proc/self/cgroup", root))
        return least;
    for (char *line = text, *next; *line; line = next) {
        size_t len = strcspn(line, "\n");
        next = line + len + (line[len] != '\0');
        line[len] = '\0';
        char *list = strchr(line, ':'), *group = list ? strchr(list + 1, ':') : NULL;
        if (!group)
            continue;
        size_t list_len = (size_t)(group - list) - 1;
        bool is_v1 = has_controller(list + 1, list_len, "cpu");
        if (list_len && !is_v1)
            continue;
        quota = least_quota(root, group + 1, is_v1 ? quota_v1 : quota_v2);
        least = quota < least ? quota : least;
    }
    return least;
}

/* ---- All --------------------------------------------------------------------------------------- */

void inf_topo_read_files(const char *root, const struct inf_cpu_mask *mask, struct inf_topo *topo)
{
    *topo = (struct inf_topo){0};
    read_cores(root, mask, topo);
    read_nodes(root, mask, topo);
    read_caches(root, mask, topo);
    topo->quota = read_quota(root);
}

void inf_topo_read(struct inf_topo *topo)
{
    struct inf_cpu_mask mask;
    memset(&mask, 0, sizeof mask);
    if (sched_getaffinity(0, sizeof mask.sets, mask.sets)) {
        *topo = (struct inf_topo){.processors = 1, .cores = 1, .nodes = 1, .quota = UINT32_MAX};
        return;
    }
    inf_topo_read_files("", &mask, topo);
    inf_topo_read_hwloc(&mask, topo);
}

uint32_t inf_topo_threads(const struct inf_topo *topo)
{
    uint32_t threads = topo->cores < topo->quota ? topo->cores : topo->quota;
    return threads ? threads : 1;
}
