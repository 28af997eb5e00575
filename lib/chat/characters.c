/* Looks characters up in the tables: binary searches. */
#include "lib/chat/characters.h"

unsigned inf_char_bits(uint32_t code)
{
    size_t low = 0, high = inf_char_class_count; /* the row is in low ... high - 1 */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (inf_char_classes[middle].first <= code)
            low = middle;
        else
            high = middle;
    }
    return inf_char_classes[low].bits;
}

static uint32_t mapped(const struct inf_char_case *rows, size_t count, uint32_t code)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].last < code)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < count && rows[low].first <= code && (code - rows[low].first) % rows[low].step == 0)
        return (uint32_t)((int32_t)code + rows[low].delta);
    return code;
}

size_t inf_char_to_upper(uint32_t code, uint32_t out[3])
{
    if (code >= 0x80)
        for (size_t i = 0; i < inf_char_upper_many_count; i++)
            if (inf_char_upper_many[i].code == code) {
                const uint32_t *becomes = inf_char_upper_many[i].becomes;
                size_t count = 0;
                for (; count < 3 && becomes[count]; count++)
                    out[count] = becomes[count];
                return count;
            }
    out[0] = mapped(inf_char_upper, inf_char_upper_count, code);
    return 1;
}

size_t inf_char_to_lower(uint32_t code, uint32_t out[3])
{
    if (code == 0x130) { /* the one that becomes two */
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    out[0] = mapped(inf_char_lower, inf_char_lower_count, code);
    return 1;
}
