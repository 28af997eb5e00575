/* The matrix product of Q5_1 for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/q5_1_neon.h"

INF_NEON_MATMUL(q5_1, neon, INF_NEON_Q5_1)
