/* The matrix product of IQ3_XXS for the dot product instructions. */
#include "kernels/dotprod/dot_dotprod.h"
#include "kernels/neon/iq3_xxs_neon.h"

INF_NEON_MATMUL(iq3_xxs, dotprod, INF_NEON_IQ3_XXS)
