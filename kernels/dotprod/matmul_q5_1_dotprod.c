/* The matrix product of Q5_1 for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/q5_1_neon.h"

INF_NEON_MATMUL(q5_1, dotprod, INF_NEON_Q5_1)
