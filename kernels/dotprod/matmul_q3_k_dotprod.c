/* The matrix product of Q3_K for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/q3_k_neon.h"

INF_NEON_MATMUL(q3_k, dotprod, INF_NEON_Q3_K)
