/* Processors, cores, caches and nodes, as the files of /sys tell them. */
#include "lib/base/topo.h"

#include "lib/base/cgroup.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CACHES_MAX 16 /* index0 ... of a processor */

static bool has_cpu(const struct inf_cpu_mask *mask, uint64_t cpu)
{
    return cpu < INF_CPUS_MAX && CPU_ISSET_S(cpu, sizeof mask->sets, mask->sets);
}

/* The next range of a list such as "0-3,8,12-15"; false at its end. */
static bool take_range(const char **at, uint64_t *first, uint64_t *last)
{
    *at += **at == ',';
    if (!inf_sys_number(at, first))
        return false;
    *last = *first;
    if (**at == '-') {
        ++*at;
        return inf_sys_number(at, last);
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
    char text[INF_SYS_TEXT];
    for (unsigned cpu = 0; cpu < INF_CPUS_MAX; cpu++) {
        if (!has_cpu(mask, cpu))
            continue;
        topo->processors++;
        uint64_t lowest = UINT64_MAX;
        if (inf_sys_read(text, "%s/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
                         root, cpu))
            lowest = lowest_in(mask, text);
        topo->cores += lowest == cpu || lowest == UINT64_MAX;
    }
}

static void read_nodes(const char *root, const struct inf_cpu_mask *mask, struct inf_topo *topo)
{
    char online[INF_SYS_TEXT], text[INF_SYS_TEXT];
    const char *list = online;
    uint64_t first, last;
    if (inf_sys_read(online, "%s/sys/devices/system/node/online", root))
        while (take_range(&list, &first, &last))
            for (uint64_t node = first; node <= last && node < INF_CPUS_MAX; node++)
                if (inf_sys_read(text, "%s/sys/devices/system/node/node%u/cpulist", root,
                                 (unsigned)node))
                    topo->nodes += lowest_in(mask, text) != UINT64_MAX;
    topo->nodes += !topo->nodes;
}

/* "32K", "1024K", "2M". */
static size_t cache_bytes(const char *text)
{
    uint64_t value;
    if (!inf_sys_number(&text, &value) || value > SIZE_MAX >> 20)
        return 0;
    return (size_t)value << (*text == 'K' ? 10 : *text == 'M' ? 20 : 0);
}

static void read_caches(const char *root, const struct inf_cpu_mask *mask, struct inf_topo *topo)
{
    unsigned cpu = 0;
    char text[INF_SYS_TEXT];
    while (cpu < INF_CPUS_MAX && !has_cpu(mask, cpu))
        cpu++;
    for (unsigned i = 0; i < CACHES_MAX; i++) {
#define CACHE_FILE "%s/sys/devices/system/cpu/cpu%u/cache/index%u/"
        if (!inf_sys_read(text, CACHE_FILE "type", root, cpu, i))
            return;
        bool is_data = !strncmp(text, "Data", 4) || !strncmp(text, "Unified", 7);
        if (!is_data || !inf_sys_read(text, CACHE_FILE "level", root, cpu, i))
            continue;
        char level = text[0];
        size_t bytes = inf_sys_read(text, CACHE_FILE "size", root, cpu, i) ? cache_bytes(text) : 0;
#undef CACHE_FILE
        if (level == '1')
            topo->l1_bytes = bytes;
        else if (level == '2')
            topo->l2_bytes = bytes;
        else if (level == '3')
            topo->l3_bytes = bytes;
    }
}

/* ---- All --------------------------------------------------------------------------------------- */

void inf_topo_read_files(const char *root, const struct inf_cpu_mask *mask, struct inf_topo *topo)
{
    *topo = (struct inf_topo){0};
    read_cores(root, mask, topo);
    read_nodes(root, mask, topo);
    read_caches(root, mask, topo);
    topo->quota = inf_cgroup_cpus(root);
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
