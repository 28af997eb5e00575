/* The matrix product of IQ3_S for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/iq3_s_neon.h"

INF_NEON_MATMUL(iq3_s, neon, INF_NEON_IQ3_S)
