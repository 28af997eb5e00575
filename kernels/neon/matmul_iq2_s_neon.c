/* The matrix product of IQ2_S for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/iq2_s_neon.h"

INF_NEON_MATMUL(iq2_s, neon, INF_NEON_IQ2_S)
