/* What this machine is: its instruction set levels and how many threads to use. */
#include "lib/device/device.h"

#include "lib/base/cpuid.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

unsigned inf_cpu_usable(void)
{
    unsigned found = inf_cpu_levels(), usable = 1u << INF_ISA_REF;
    usable |= found & INF_CPU_AVX2 ? 1u << INF_ISA_AVX2 : 0;
    usable |= found & INF_CPU_AVX512 ? 1u << INF_ISA_AVX512 : 0;
    usable |= found & INF_CPU_NEON ? 1u << INF_ISA_NEON : 0;
    usable |= found & INF_CPU_DOTPROD ? 1u << INF_ISA_DOTPROD : 0;
    return usable;
}

enum inf_isa inf_cpu_best(void)
{
    unsigned usable = inf_cpu_usable();
    for (int isa = INF_ISA_EXACT - 1; isa > INF_ISA_REF; isa--)
        if (usable >> isa & 1)
            return (enum inf_isa)isa;
    return INF_ISA_REF;
}

/* The first number in a file of /sys; -1 where there is none. */
static long number_in(const char *format, unsigned cpu)
{
    char path[128];
    snprintf(path, sizeof path, format, cpu);
    FILE *file = fopen(path, "re");
    long value = -1;
    if (file && fscanf(file, "%ld", &value) != 1)
        value = -1;
    if (file)
        fclose(file);
    return value;
}

/* Processors of the mask that are not a second thread of a core already counted. */
static uint32_t physical_cores(const cpu_set_t *mask)
{
    uint32_t cores = 0;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, mask))
            continue;
        /* the list of a core's threads begins with its lowest that is in it */
        long first = number_in("/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", cpu);
        cores += first < 0 || first == (long)cpu || !CPU_ISSET((size_t)first, mask);
    }
    return cores;
}

/* Whole processors that the cgroup's quota allows; UINT32_MAX where it sets none. */
static uint32_t cgroup_quota(void)
{
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    long quota = 0, period = 0;
    bool found = file && fscanf(file, "%ld %ld", &quota, &period) == 2 && quota > 0 && period > 0;
    if (file)
        fclose(file);
    return found ? (uint32_t)((quota + period - 1) / period) : UINT32_MAX;
}

uint32_t inf_cpu_default_threads(void)
{
    cpu_set_t mask;
    CPU_ZERO(&mask);
    if (sched_getaffinity(0, sizeof mask, &mask))
        return 1;
    uint32_t cores = physical_cores(&mask), quota = cgroup_quota();
    uint32_t threads = cores < quota ? cores : quota;
    return threads ? threads : 1;
}
