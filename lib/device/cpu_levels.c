/* What this machine is: its instruction set levels and how many threads to use. */
#include "lib/device/device.h"

#include "lib/base/cpuid.h"
#include "lib/base/topo.h"

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

uint32_t inf_cpu_default_threads(void)
{
    struct inf_topo topo;
    inf_topo_read(&topo);
    return inf_topo_threads(&topo);
}
