/* The matrix product of Q4_0 for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/q4_0_neon.h"

INF_NEON_MATMUL(q4_0, neon, INF_NEON_Q4_0)
