/* The matrix product of NVFP4 for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/nvfp4_neon.h"

INF_NEON_MATMUL(nvfp4, neon, INF_NEON_NVFP4)
