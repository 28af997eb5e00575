/* The matrix product of Q5_0 for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/q5_0_neon.h"

INF_NEON_MATMUL(q5_0, dotprod, INF_NEON_Q5_0)
