/* The matrix product of Q2_0 for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/q2_0_neon.h"

INF_NEON_MATMUL(q2_0, dotprod, INF_NEON_Q2_0)
