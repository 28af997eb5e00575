/* The matrix product of IQ4_NL for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/iq4_nl_neon.h"

INF_NEON_MATMUL(iq4_nl, dotprod, INF_NEON_IQ4_NL)
