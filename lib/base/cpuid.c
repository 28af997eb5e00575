#include "lib/base/cpuid.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* XCR0: the register state that the system saves. */
static unsigned saved_state(void)
{
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static int has_all(unsigned value, unsigned bits)
{
    return (value & bits) == bits;
}

unsigned inf_cpu_levels(void)
{
    const unsigned avx_state = 0x6, avx512_state = 0xe6;
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !has_all(c, bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C))
        return 0;
    unsigned state = saved_state();
    if (!has_all(state, avx_state) || !__get_cpuid_count(7, 0, &a, &b, &c, &d) ||
        !has_all(b, bit_AVX2 | bit_BMI2))
        return 0;
    if (!has_all(state, avx512_state) ||
        !has_all(b, bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL) ||
        !has_all(c, bit_AVX512VBMI | bit_AVX512VBMI2 | bit_AVX512VNNI | bit_AVX512BITALG))
        return INF_CPU_AVX2;
    return INF_CPU_AVX2 | INF_CPU_AVX512;
}

#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>

unsigned inf_cpu_levels(void)
{
    unsigned long caps = getauxval(AT_HWCAP), wanted = HWCAP_ASIMDDP | HWCAP_ASIMDHP;
    return (caps & wanted) == wanted ? INF_CPU_NEON | INF_CPU_DOTPROD : INF_CPU_NEON;
}

#elif defined(__aarch64__)

unsigned inf_cpu_levels(void)
{
    return INF_CPU_NEON;
}

#else

unsigned inf_cpu_levels(void)
{
    return 0;
}

#endif
