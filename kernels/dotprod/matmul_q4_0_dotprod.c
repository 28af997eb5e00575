/* The matrix product of Q4_0 for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/q4_0_neon.h"

INF_NEON_MATMUL(q4_0, dotprod, INF_NEON_Q4_0)
