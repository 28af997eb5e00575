/* The matrix product of Q6_K for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/q6_k_neon.h"

INF_NEON_MATMUL(q6_k, dotprod, INF_NEON_Q6_K)
