/* The matrix product of Q1_0 for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/q1_0_neon.h"

INF_NEON_MATMUL(q1_0, dotprod, INF_NEON_Q1_0)
