/* The matrix product of IQ2_XXS for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/iq2_xxs_neon.h"

INF_NEON_MATMUL(iq2_xxs, dotprod, INF_NEON_IQ2_XXS)
