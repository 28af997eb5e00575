/* F32, F16, BF16: a float for each weight, little-endian and unaligned. */
#include "formats/half.h"
#include "formats/type.h"

void inf_f32_floats(const uint8_t *values, size_t count, float *out)
{
    if (count)
        memcpy(out, values, count * sizeof *out);
}

void inf_f16_floats(const uint8_t *values, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = inf_half_to_float(inf_load_u16(values + 2 * i));
}

void inf_bf16_floats(const uint8_t *values, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = inf_bf16_to_float(inf_load_u16(values + 2 * i));
}
