/* The matrix product of Q5_0 for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/q5_0_neon.h"

INF_NEON_MATMUL(q5_0, neon, INF_NEON_Q5_0)
