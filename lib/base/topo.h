/*
 * What this process has of the machine: processors, cores, caches, memory nodes, and how much of them
 * its cgroup grants. From hwloc where it is built in (HWLOC= in the Makefile), else from the affinity
 * mask and /sys; the quota is always read from /sys.
 */
#ifndef INF_TOPO_H
#define INF_TOPO_H

#include "lib/base/base.h"

#include <sched.h>

#define INF_CPUS_MAX 8192

/* Processors that this process may run on; CPU_ISSET_S(cpu, sizeof mask.sets, mask.sets). */
struct inf_cpu_mask {
    cpu_set_t sets[INF_CPUS_MAX / CPU_SETSIZE];
};

struct inf_topo {
    uint32_t processors; /* of the mask */
    uint32_t cores;      /* physical ones that have such a processor; as processors where unknown */
    uint32_t nodes;      /* of memory (NUMA) that have one; at least 1 */
    uint32_t quota;      /* whole processors that the cgroup grants; UINT32_MAX: no limit */
    size_t l1_bytes, l2_bytes, l3_bytes; /* data caches that the first core sees; 0: unknown */
};

/* All of it for this process. Where even the mask cannot be read: one processor. */
void inf_topo_read(struct inf_topo *topo);

/* The same for a mask, from the files below `root` alone ("" for this machine). */
void inf_topo_read_files(const char *root, const struct inf_cpu_mask *mask, struct inf_topo *topo);

/* Cores, nodes and caches from hwloc; false, and *topo as before, where it is not built in or fails.
 * hwloc reads the environment and takes memory by itself. */
bool inf_topo_read_hwloc(const struct inf_cpu_mask *mask, struct inf_topo *topo);

/* Threads that compute well together: the least of cores and quota, at least 1. */
uint32_t inf_topo_threads(const struct inf_topo *topo);

#endif
