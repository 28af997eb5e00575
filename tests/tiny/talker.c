#include "tests/tiny/talker.h"

#include "formats/type.h"

#include <stdlib.h>
#include <string.h>

static const char *const specials[] = {"<|im_start|>", "<|im_end|>", "<think>",
                                       "</think>",     "<tool>",     "<|message|>"};

const char *tiny_talker_special(int id)
{
    return specials[id - TALKER_FIRST];
}

/* The elements of an array of texts with some of them replaced. */
static struct mk_bytes replace_texts(const struct mk_key *key)
{
    struct mk_bytes out = {0};
    const char *at = (const char *)key->value.ptr + 12; /* behind type and count */
    for (uint32_t id = 0; id < MK_VOCAB; id++) {
        uint64_t len;
        memcpy(&len, at, sizeof len);
        if (id >= TALKER_FIRST && id < TALKER_SPECIALS_END)
            mk_put_string(&out, specials[id - TALKER_FIRST], strlen(specials[id - TALKER_FIRST]));
        else
            mk_put_string(&out, at + 8, (size_t)len);
        at += 8 + len;
    }
    return out;
}

void tiny_make_talker(struct mk_file *file, const char *text)
{
    struct mk_key *types = mk_key(file, "tokenizer.ggml.token_type");
    struct mk_bytes texts = replace_texts(mk_key(file, "tokenizer.ggml.tokens"));
    for (uint32_t id = TALKER_FIRST; id < TALKER_SPECIALS_END; id++) {
        int32_t type = id == TALKER_TOOL ? 4 : 3; /* user-defined, control */
        memcpy((char *)types->value.ptr + 12 + 4 * id, &type, sizeof type);
    }
    mk_set_array(file, "tokenizer.ggml.tokens", MK_STRING, MK_VOCAB, texts.ptr, texts.len);
    mk_set_text(file, "tokenizer.chat_template", text, strlen(text));
    free(texts.ptr);
}

struct mk_bytes tiny_talker(const struct tiny_kind *kind, bool spm, const char *text)
{
    struct mk_file *file = tiny_file(kind, INF_TYPE_Q4_K, 1), *other = mk_base_t2();
    for (size_t i = 0; !spm && i < other->key_count; i++) {
        const struct mk_key *key = &other->keys[i];
        char name[64] = "";
        if (key->name_len >= sizeof name || memcmp(key->name.ptr, "tokenizer.", 10) != 0)
            continue;
        memcpy(name, key->name.ptr, key->name_len);
        struct mk_key *own = mk_set_key(file, name, key->type);
        mk_put(&own->value, key->value.ptr, key->value.len);
    }
    tiny_make_talker(file, text);
    mk_set_u32(file, "tokenizer.ggml.eos_token_id", TALKER_END);
    struct mk_bytes bytes = mk_build(file, NULL);
    mk_free(other);
    mk_free(file);
    return bytes;
}
