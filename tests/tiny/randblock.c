/* Random valid blocks: random bytes all over, then scales that fit them. */
#include "tests/tiny/randblock.h"
#include "formats/half.h"
#include "formats/type.h"

#include <math.h>

uint64_t inf_test_random(uint64_t *rng)
{
    uint64_t z = *rng += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static float uniform(uint64_t *rng, float low, float high)
{
    return low + (high - low) * ((float)(inf_test_random(rng) >> 40) * 0x1p-24f);
}

/* Near enough to a Gaussian: 12 uniform numbers, variance 1. */
static float gaussian(uint64_t *rng)
{
    float sum = 0.0f;
    for (int i = 0; i < 12; i++)
        sum += uniform(rng, -0.5f, 0.5f);
    return sum;
}

static void random_number(uint32_t type_id, uint64_t *rng, uint8_t *out)
{
    float f = gaussian(rng) / 32;
    uint16_t half = inf_half_from_float(f), brain = inf_bf16_from_float(f);
    int64_t integer = (int64_t)(inf_test_random(rng) % 201) - 100;
    double f64 = (double)f;
    switch (type_id) {
    case INF_TYPE_F32:
        memcpy(out, &f, sizeof f);
        break;
    case INF_TYPE_F16:
        memcpy(out, &half, sizeof half);
        break;
    case INF_TYPE_BF16:
        memcpy(out, &brain, sizeof brain);
        break;
    case INF_TYPE_F64:
        memcpy(out, &f64, sizeof f64);
        break;
    default: /* two's complement: the low bytes of an integer are the integer */
        memcpy(out, &integer, inf_type_info(type_id)->bytes);
    }
}

/* Where a type keeps its scale and its minimum, both halves, and how many scales a minimum is so
 * that the weights lie around 0. */
struct place {
    int d, min;
    float ratio;
};

static struct place place_of(uint32_t type_id)
{
    switch (type_id) {
    case INF_TYPE_Q4_1:
        return (struct place){0, 2, -7.5f};
    case INF_TYPE_Q5_1:
        return (struct place){0, 2, -15.5f};
    case INF_TYPE_Q2_K:
        return (struct place){80, 82, 1.5f};
    case INF_TYPE_Q4_K:
        return (struct place){0, 2, 7.5f};
    case INF_TYPE_Q5_K:
        return (struct place){0, 2, 15.5f};
    case INF_TYPE_Q3_K:
        return (struct place){108, -1, 0};
    case INF_TYPE_Q6_K:
        return (struct place){208, -1, 0};
    case INF_TYPE_TQ1_0:
        return (struct place){52, -1, 0};
    case INF_TYPE_TQ2_0:
        return (struct place){64, -1, 0};
    default:
        return (struct place){0, -1, 0};
    }
}

static void set_half(uint32_t type_id, uint8_t *block, int at, float value)
{
    uint16_t half = inf_half_from_float(value);
    if (type_id != INF_TYPE_IQ1_M) {
        memcpy(block + at, &half, sizeof half);
        return;
    }
    for (int i = 0; i < 4; i++) { /* four bits at the top of each of the last four words */
        uint8_t *top = block + 49 + 2 * i;
        *top = (uint8_t)((*top & 15) | (half >> 4 * i & 15) << 4);
    }
}

static void set_scales(uint32_t type_id, uint8_t *block, float d, float noise)
{
    struct place place = place_of(type_id);
    set_half(type_id, block, place.d, d);
    if (place.min >= 0)
        set_half(type_id, block, place.min, d * place.ratio * noise);
}

static void fit_scales(const struct inf_type_info *type, uint64_t *rng, uint8_t *block)
{
    float w[INF_BLOCK_MAX], squares = 0.0f;
    float noise = uniform(rng, 0.75f, 1.25f), target = uniform(rng, 0x1p-6f, 0x1p-4f);
    set_scales(type->id, block, 0x1p-4f, noise);
    inf_type_decode(type, block, type->weights, w);
    for (uint32_t i = 0; i < type->weights; i++)
        squares += w[i] * w[i];
    float rms = sqrtf(squares / (float)type->weights);
    float d = rms > 0.0f ? 0x1p-4f * target / rms : target;
    set_scales(type->id, block, inf_test_random(rng) & 1 ? d : -d, noise);
}

void inf_test_random_blocks(uint32_t type_id, uint64_t *rng, uint8_t *out, size_t blocks)
{
    const struct inf_type_info *type = inf_type_info(type_id);
    for (size_t b = 0; b < blocks; b++, out += type->bytes) {
        if (type->floats) {
            random_number(type_id, rng, out);
            continue;
        }
        for (uint32_t i = 0; i < type->bytes; i++)
            out[i] = (uint8_t)inf_test_random(rng);
        if (type_id == INF_TYPE_MXFP4)
            out[0] = (uint8_t)(119 + out[0] % 3); /* codes are 5.7 on average */
        else if (type_id == INF_TYPE_NVFP4)
            for (int s = 0; s < 4; s++)
                out[s] = (uint8_t)(4 + out[s] % 12);
        else
            fit_scales(type, rng, out);
    }
}
