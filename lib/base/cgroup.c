/* Quotas of processors and memory: of the process' own cgroup and of all above it, both versions. */
#include "lib/base/cgroup.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096

bool inf_sys_read(char text[INF_SYS_TEXT], const char *format, ...)
{
    char path[PATH_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(path, sizeof path, format, args);
    va_end(args);
    int fd = len < 0 || (size_t)len >= sizeof path ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, INF_SYS_TEXT - 1);
    close(fd);
    text[n < 0 ? 0 : n] = '\0';
    return n > 0;
}

bool inf_sys_number(const char **at, uint64_t *value)
{
    if (**at < '0' || **at > '9')
        return false;
    char *end;
    *value = strtoull(*at, &end, 10);
    *at = end;
    return true;
}

/* ---- Groups ------------------------------------------------------------------------------------ */

/* What one group leaves; UINT64_MAX: no limit. `group` is its path below the controller's mount. */
typedef uint64_t limit_fn(const char *root, const char *group);

/* The least of a group and of all above it: each holds for what is below. A container may see the name
 * that its group has outside, where nothing is inside; then the top is what counts. Cuts `group`. */
static uint64_t least_above(const char *root, char *group, limit_fn *limit_of)
{
    uint64_t least = UINT64_MAX;
    for (;;) {
        uint64_t limit = limit_of(root, group);
        least = limit < least ? limit : least;
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
static uint64_t least_limit(const char *root, const char *controller, limit_fn *v1, limit_fn *v2)
{
    char text[INF_SYS_TEXT], top[] = "";
    uint64_t least = least_above(root, top, v2), limit = least_above(root, top, v1);
    least = limit < least ? limit : least;
    if (!inf_sys_read(text, "%s/proc/self/cgroup", root))
        return least;
    for (char *line = text, *next; *line; line = next) {
        size_t len = strcspn(line, "\n");
        next = line + len + (line[len] != '\0');
        line[len] = '\0';
        char *list = strchr(line, ':'), *group = list ? strchr(list + 1, ':') : NULL;
        if (!group)
            continue;
        size_t list_len = (size_t)(group - list) - 1;
        bool is_v1 = has_controller(list + 1, list_len, controller);
        if (list_len && !is_v1)
            continue;
        limit = least_above(root, group + 1, is_v1 ? v1 : v2);
        least = limit < least ? limit : least;
    }
    return least;
}

/* ---- Processors -------------------------------------------------------------------------------- */

static uint64_t whole(uint64_t quota, uint64_t period)
{
    uint64_t cpus = period ? quota / period + (quota % period != 0) : 0;
    return cpus ? cpus : UINT64_MAX;
}

/* Version 2: "QUOTA PERIOD", or "max PERIOD". */
static uint64_t cpus_v2(const char *root, const char *group)
{
    char text[INF_SYS_TEXT];
    const char *at = text;
    uint64_t quota, period;
    if (!inf_sys_read(text, "%s/sys/fs/cgroup%s/cpu.max", root, group) ||
        !inf_sys_number(&at, &quota) || *at++ != ' ' || !inf_sys_number(&at, &period))
        return UINT64_MAX;
    return whole(quota, period);
}

/* Version 1: two files, the quota -1 where there is none. */
static uint64_t cpus_v1(const char *root, const char *group)
{
    char text[INF_SYS_TEXT];
    const char *at = text;
    uint64_t quota, period;
    if (!inf_sys_read(text, "%s/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", root, group) ||
        !inf_sys_number(&at, &quota))
        return UINT64_MAX;
    at = text;
    if (!inf_sys_read(text, "%s/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", root, group) ||
        !inf_sys_number(&at, &period))
        return UINT64_MAX;
    return whole(quota, period);
}

uint32_t inf_cgroup_cpus(const char *root)
{
    uint64_t cpus = least_limit(root, "cpu", cpus_v1, cpus_v2);
    return cpus < UINT32_MAX ? (uint32_t)cpus : UINT32_MAX;
}

/* ---- Memory ------------------------------------------------------------------------------------ */

/* The number behind `key` at the beginning of a line; 0 where there is none. */
static uint64_t number_of(const char *text, const char *key)
{
    size_t len = strlen(key);
    uint64_t value = 0;
    while (strncmp(text, key, len)) {
        if (!(text = strchr(text, '\n')))
            return 0;
        text++;
    }
    text += len;
    text += strspn(text, " ");
    inf_sys_number(&text, &value);
    return value;
}

/* A group's limit less what it has that cannot be given back; its files are in `folder`. */
static uint64_t left_in(const char *root, const char *folder, const char *group, const char *limit,
                        const char *usage, const char *file_pages[2])
{
    char text[INF_SYS_TEXT];
    const char *at = text;
    uint64_t most, used;
    if (!inf_sys_read(text, "%s/sys/fs/cgroup%s%s/%s", root, folder, group, limit) ||
        !inf_sys_number(&at, &most))
        return UINT64_MAX;
    at = text;
    if (!inf_sys_read(text, "%s/sys/fs/cgroup%s%s/%s", root, folder, group, usage) ||
        !inf_sys_number(&at, &used))
        return UINT64_MAX;
    uint64_t free_again = 0;
    if (inf_sys_read(text, "%s/sys/fs/cgroup%s%s/memory.stat", root, folder, group))
        free_again = number_of(text, file_pages[0]) + number_of(text, file_pages[1]);
    used = free_again < used ? used - free_again : 0;
    return most > used ? most - used : 0;
}

static uint64_t memory_v2(const char *root, const char *group)
{
    return left_in(root, "", group, "memory.max", "memory.current",
                   (const char *[2]){"inactive_file ", "active_file "});
}

static uint64_t memory_v1(const char *root, const char *group)
{
    return left_in(root, "/memory", group, "memory.limit_in_bytes", "memory.usage_in_bytes",
                   (const char *[2]){"total_inactive_file ", "total_active_file "});
}

uint64_t inf_memory_left(const char *root)
{
    char text[INF_SYS_TEXT];
    uint64_t groups = least_limit(root, "memory", memory_v1, memory_v2), machine = UINT64_MAX;
    if (inf_sys_read(text, "%s/proc/meminfo", root) && strstr(text, "MemAvailable:"))
        machine = number_of(text, "MemAvailable:") * 1024;
    return machine < groups ? machine : groups;
}
