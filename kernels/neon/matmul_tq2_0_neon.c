/* The matrix product of TQ2_0 for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/tq2_0_neon.h"

INF_NEON_MATMUL(tq2_0, neon, INF_NEON_TQ2_0)
