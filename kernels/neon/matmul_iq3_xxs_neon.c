/* The matrix product of IQ3_XXS for NEON. */
#include "kernels/neon/dot_neon.h"
#include "kernels/neon/iq3_xxs_neon.h"

INF_NEON_MATMUL(iq3_xxs, neon, INF_NEON_IQ3_XXS)
