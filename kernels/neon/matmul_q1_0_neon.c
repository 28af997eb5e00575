/* The matrix product of Q1_0 for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/q1_0_neon.h"

INF_NEON_MATMUL(q1_0, neon, INF_NEON_Q1_0)
