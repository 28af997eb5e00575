/* The matrix product of TQ2_0 for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/tq2_0_neon.h"

INF_NEON_MATMUL(tq2_0, dotprod, INF_NEON_TQ2_0)
