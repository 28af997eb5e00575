/* The matrix product of IQ1_M for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/iq1_m_neon.h"

INF_NEON_MATMUL(iq1_m, dotprod, INF_NEON_IQ1_M)
