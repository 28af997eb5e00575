/* The matrix product of IQ2_XS for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/iq2_xs_neon.h"

INF_NEON_MATMUL(iq2_xs, neon, INF_NEON_IQ2_XS)
