/* The matrix product of IQ4_XS for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/iq4_xs_neon.h"

INF_NEON_MATMUL(iq4_xs, neon, INF_NEON_IQ4_XS)
