/* The matrix product of IQ4_XS for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/iq4_xs_neon.h"

INF_NEON_MATMUL(iq4_xs, dotprod, INF_NEON_IQ4_XS)
