/* The matrix product of Q6_K for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/q6_k_neon.h"

INF_NEON_MATMUL(q6_k, neon, INF_NEON_Q6_K)
