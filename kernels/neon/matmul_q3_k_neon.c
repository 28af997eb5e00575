/* The matrix product of Q3_K for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/q3_k_neon.h"

INF_NEON_MATMUL(q3_k, neon, INF_NEON_Q3_K)
