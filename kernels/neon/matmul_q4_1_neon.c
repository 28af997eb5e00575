/* The matrix product of Q4_1 for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/q4_1_neon.h"

INF_NEON_MATMUL(q4_1, neon, INF_NEON_Q4_1)
