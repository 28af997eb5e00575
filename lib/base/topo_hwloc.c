/* Cores, memory nodes and caches from hwloc, in builds that have it. */
#include "lib/base/topo.h"

#ifdef INF_HAVE_HWLOC

#include <hwloc.h>

static uint32_t count_in(hwloc_topology_t all, hwloc_obj_type_t type, hwloc_const_bitmap_t mask)
{
    uint32_t count = 0;
    for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(all, type, o));)
        count += hwloc_bitmap_intersects(o->cpuset, mask) != 0;
    return count;
}

/* The cache of a type that the first processor of the mask sees; `known` where there is none. */
static size_t cache_in(hwloc_topology_t all, hwloc_obj_type_t type, hwloc_const_bitmap_t mask,
                       size_t known)
{
    int first = hwloc_bitmap_first(mask);
    for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(all, type, o));)
        if (hwloc_bitmap_isset(o->cpuset, (unsigned)first) && o->attr->cache.size)
            return (size_t)o->attr->cache.size;
    return known;
}

static bool read_loaded(hwloc_topology_t all, const struct inf_cpu_mask *mask,
                        struct inf_topo *topo)
{
    hwloc_bitmap_t ours = hwloc_bitmap_alloc();
    if (!ours)
        return false;
    for (unsigned cpu = 0; cpu < INF_CPUS_MAX; cpu++)
        if (CPU_ISSET_S(cpu, sizeof mask->sets, mask->sets))
            hwloc_bitmap_set(ours, cpu);
    uint32_t cores = count_in(all, HWLOC_OBJ_CORE, ours);
    uint32_t nodes = count_in(all, HWLOC_OBJ_NUMANODE, ours);
    if (cores) {
        topo->cores = cores;
        topo->nodes = nodes ? nodes : topo->nodes;
        topo->l1_bytes = cache_in(all, HWLOC_OBJ_L1CACHE, ours, topo->l1_bytes);
        topo->l2_bytes = cache_in(all, HWLOC_OBJ_L2CACHE, ours, topo->l2_bytes);
        topo->l3_bytes = cache_in(all, HWLOC_OBJ_L3CACHE, ours, topo->l3_bytes);
    }
    hwloc_bitmap_free(ours);
    return cores != 0;
}

bool inf_topo_read_hwloc(const struct inf_cpu_mask *mask, struct inf_topo *topo)
{
    hwloc_topology_t all;
    if (hwloc_topology_init(&all))
        return false;
    bool good = !hwloc_topology_load(all) && read_loaded(all, mask, topo);
    hwloc_topology_destroy(all);
    return good;
}

#else

bool inf_topo_read_hwloc(const struct inf_cpu_mask *mask, struct inf_topo *topo)
{
    (void)mask;
    (void)topo;
    return false;
}

#endif
