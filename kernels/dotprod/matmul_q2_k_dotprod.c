/* The matrix product of Q2_K for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/q2_k_neon.h"

INF_NEON_MATMUL(q2_k, dotprod, INF_NEON_Q2_K)
