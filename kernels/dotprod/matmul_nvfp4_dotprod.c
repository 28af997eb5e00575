/* The matrix product of NVFP4 for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/nvfp4_neon.h"

INF_NEON_MATMUL(nvfp4, dotprod, INF_NEON_NVFP4)
