/* The matrix product of TQ1_0 for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/tq1_0_neon.h"

INF_NEON_MATMUL(tq1_0, neon, INF_NEON_TQ1_0)
