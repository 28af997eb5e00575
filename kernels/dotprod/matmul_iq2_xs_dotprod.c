/* The matrix product of IQ2_XS for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/iq2_xs_neon.h"

INF_NEON_MATMUL(iq2_xs, dotprod, INF_NEON_IQ2_XS)
