/* The matrix product of IQ3_S for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/iq3_s_neon.h"

INF_NEON_MATMUL(iq3_s, dotprod, INF_NEON_IQ3_S)
