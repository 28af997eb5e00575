/* The matrix product of Q2_0 for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/q2_0_neon.h"

INF_NEON_MATMUL(q2_0, neon, INF_NEON_Q2_0)
