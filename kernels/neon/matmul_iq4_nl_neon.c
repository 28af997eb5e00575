/* The matrix product of IQ4_NL for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/iq4_nl_neon.h"

INF_NEON_MATMUL(iq4_nl, neon, INF_NEON_IQ4_NL)
