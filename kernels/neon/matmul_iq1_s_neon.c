/* The matrix product of IQ1_S for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/iq1_s_neon.h"

INF_NEON_MATMUL(iq1_s, neon, INF_NEON_IQ1_S)
