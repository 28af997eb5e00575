/* The matrix product of Q8_0 for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/q8_0_neon.h"

INF_NEON_MATMUL(q8_0, dotprod, INF_NEON_Q8_0)
