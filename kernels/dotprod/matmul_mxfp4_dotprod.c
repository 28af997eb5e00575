/* The matrix product of MXFP4 for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/mxfp4_neon.h"

INF_NEON_MATMUL(mxfp4, dotprod, INF_NEON_MXFP4)
