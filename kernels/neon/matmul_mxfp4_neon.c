/* The matrix product of MXFP4 for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/mxfp4_neon.h"

INF_NEON_MATMUL(mxfp4, neon, INF_NEON_MXFP4)
