/* The matrix product of Q5_K for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/q5_k_neon.h"

INF_NEON_MATMUL(q5_k, dotprod, INF_NEON_Q5_K)
