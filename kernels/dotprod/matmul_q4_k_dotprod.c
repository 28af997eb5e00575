/* The matrix product of Q4_K for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/q4_k_neon.h"

INF_NEON_MATMUL(q4_k, dotprod, INF_NEON_Q4_K)
