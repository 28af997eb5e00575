/* The matrix product of IQ2_XXS for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/iq2_xxs_neon.h"

INF_NEON_MATMUL(iq2_xxs, neon, INF_NEON_IQ2_XXS)
