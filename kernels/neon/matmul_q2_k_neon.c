/* The matrix product of Q2_K for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/q2_k_neon.h"

INF_NEON_MATMUL(q2_k, neon, INF_NEON_Q2_K)
