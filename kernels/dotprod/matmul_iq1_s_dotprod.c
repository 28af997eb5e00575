/* The matrix product of IQ1_S for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/iq1_s_neon.h"

INF_NEON_MATMUL(iq1_s, dotprod, INF_NEON_IQ1_S)
