/* The matrix product of TQ1_0 for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/tq1_0_neon.h"

INF_NEON_MATMUL(tq1_0, dotprod, INF_NEON_TQ1_0)
