/* Plain numbers of side tensors as floats, rounded to nearest even where a float is too short. */
#include "formats/half.h"
#include "formats/type.h"

void inf_i8_floats(const uint8_t *values, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (float)(int8_t)values[i];
}

void inf_i16_floats(const uint8_t *values, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (float)(int16_t)inf_load_u16(values + 2 * i);
}

void inf_i32_floats(const uint8_t *values, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (float)(int32_t)inf_load_u32(values + 4 * i);
}

void inf_i64_floats(const uint8_t *values, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (float)(int64_t)inf_load_u64(values + 8 * i);
}

void inf_f64_floats(const uint8_t *values, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++) {
        double d;
        memcpy(&d, values + 8 * i, sizeof d);
        out[i] = (float)d;
    }
}
