/* The matrix product of IQ2_S for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/iq2_s_neon.h"

INF_NEON_MATMUL(iq2_s, dotprod, INF_NEON_IQ2_S)
