/* The matrix product of Q4_1 for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/q4_1_neon.h"

INF_NEON_MATMUL(q4_1, dotprod, INF_NEON_Q4_1)
