/* The matrix product of Q8_0 for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/q8_0_neon.h"

INF_NEON_MATMUL(q8_0, neon, INF_NEON_Q8_0)
