/* The matrix product of IQ1_M for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/iq1_m_neon.h"

INF_NEON_MATMUL(iq1_m, neon, INF_NEON_IQ1_M)
