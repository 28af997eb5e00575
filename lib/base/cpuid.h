/* Which kernels this machine can run: the instructions are there and the system keeps the state. */
#ifndef INF_CPUID_H
#define INF_CPUID_H

#define INF_CPU_AVX2 1u    /* AVX2, FMA, F16C, BMI2 */
#define INF_CPU_AVX512 2u  /* and AVX-512 F BW DQ VL VNNI VBMI VBMI2 BITALG */
#define INF_CPU_NEON 4u    /* every AArch64 */
#define INF_CPU_DOTPROD 8u /* and the int8 dot product and half arithmetic */

/* The levels that may be used, a set of the bits above. */
unsigned inf_cpu_levels(void);

#endif
