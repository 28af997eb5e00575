/* The matrix product of Q4_K for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/q4_k_neon.h"

INF_NEON_MATMUL(q4_k, neon, INF_NEON_Q4_K)
