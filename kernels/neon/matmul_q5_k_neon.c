/* The matrix product of Q5_K for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/q5_k_neon.h"

INF_NEON_MATMUL(q5_k, neon, INF_NEON_Q5_K)
