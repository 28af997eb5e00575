/* Reading the keys of an architecture by their names behind its own. */
#include "lib/arch/arch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define KEY_BYTES 160

static const char *full(char out[KEY_BYTES], const struct inf_keys *keys, const char *name)
{
    snprintf(out, KEY_BYTES, "%s.%s", keys->prefix, name);
    return out;
}

bool inf_keys_has(const struct inf_keys *keys, const char *name)
{
    char key[KEY_BYTES];
    return inf_gguf_key(keys->gguf, full(key, keys, name)) != NULL;
}

bool inf_keys_is_array(const struct inf_keys *keys, const char *name)
{
    char key[KEY_BYTES];
    const struct inf_gguf_key *found = inf_gguf_key(keys->gguf, full(key, keys, name));
    return found && found->type == INFER_META_ARRAY;
}

infer_status inf_keys_need(const struct inf_keys *keys, const char *name, infer_error *err)
{
    return inf_keys_has(keys, name)
               ? INFER_OK
               : inf_fail(err, INFER_E_FORMAT, "key %s.%s is missing", keys->prefix, name);
}

infer_status inf_keys_uint(const struct inf_keys *keys, const char *name, uint32_t low,
                           uint32_t high, uint32_t *out, infer_error *err)
{
    char key[KEY_BYTES];
    uint64_t value = *out;
    infer_status status =
        inf_gguf_get_uint(keys->gguf, full(key, keys, name), low, high, &value, err);
    if (!status)
        *out = (uint32_t)value;
    return status;
}

infer_status inf_keys_float(const struct inf_keys *keys, const char *name, bool zero, double *out,
                            infer_error *err)
{
    char key[KEY_BYTES];
    if (!inf_gguf_key(keys->gguf, full(key, keys, name)))
        return INFER_OK;
    infer_status status = inf_gguf_get_float(keys->gguf, key, out, err);
    if (!status && (!isfinite(*out) || *out < 0.0 || (*out == 0.0 && !zero)))
        status = inf_fail(err, INFER_E_FORMAT, "key %s is %g, it must be finite and %s", key, *out,
                          zero ? "not negative" : "positive");
    return status;
}

infer_status inf_keys_bool(const struct inf_keys *keys, const char *name, bool *out,
                           infer_error *err)
{
    char key[KEY_BYTES];
    return inf_gguf_get_bool(keys->gguf, full(key, keys, name), out, err);
}

infer_status inf_keys_text(const struct inf_keys *keys, const char *name, struct inf_bytes *out,
                           infer_error *err)
{
    char key[KEY_BYTES];
    return inf_gguf_get_text(keys->gguf, full(key, keys, name), out, err);
}

/* An element of an array as an integer; false where it is none. A bool counts as 0 or 1. */
static bool element(const struct inf_gguf_key *key, uint64_t at, int64_t *out)
{
    infer_meta_value value;
    inf_gguf_value(key, at, &value);
    switch (key->items) {
    case INFER_META_U8:
    case INFER_META_U16:
    case INFER_META_U32:
    case INFER_META_U64:
        *out = value.u > INT64_MAX ? INT64_MAX : (int64_t)value.u;
        return true;
    case INFER_META_I8:
    case INFER_META_I16:
    case INFER_META_I32:
    case INFER_META_I64:
        *out = value.i;
        return true;
    case INFER_META_BOOL:
        *out = value.u != 0;
        return true;
    default:
        return false;
    }
}

infer_status inf_keys_layers(const struct inf_keys *keys, const char *name, uint32_t low,
                             uint32_t high, struct inf_hparams *hp, size_t offset, infer_error *err)
{
    char key[KEY_BYTES];
    const struct inf_gguf_key *k = inf_gguf_key(keys->gguf, full(key, keys, name));
    if (!k)
        return INFER_OK;
    uint64_t value = 0;
    bool array = k->type == INFER_META_ARRAY;
    if (!array) {
        infer_status status = inf_gguf_get_uint(keys->gguf, key, low, high, &value, err);
        if (status)
            return status;
    } else if (k->count != hp->layers && k->count != hp->layers + hp->ahead) {
        return inf_fail(err, INFER_E_FORMAT, "key %s has %llu values for %u layers", key,
                        (unsigned long long)k->count, hp->layers);
    }
    for (uint32_t i = 0; i < hp->layers; i++) {
        int64_t own = (int64_t)value;
        if (array && !element(k, i, &own))
            return inf_fail(err, INFER_E_FORMAT, "key %s is an array of %s, integers are needed",
                            key, inf_gguf_type_name(k->items));
        if (own < (int64_t)low || own > (int64_t)high)
            return inf_fail(err, INFER_E_FORMAT, "key %s is %lld for layer %u, not in %u ... %u",
                            key, (long long)own, i, low, high);
        *(uint32_t *)(void *)((char *)&hp->layer[i] + offset) = (uint32_t)own;
    }
    return INFER_OK;
}

infer_status inf_keys_layer_floats(const struct inf_keys *keys, const char *name,
                                   struct inf_hparams *hp, size_t offset, infer_error *err)
{
    char key[KEY_BYTES];
    double value = 0.0;
    infer_status status = inf_keys_need(keys, name, err);
    if (status)
        return status;
    const struct inf_gguf_key *k = inf_gguf_key(keys->gguf, full(key, keys, name));
    bool array = k->type == INFER_META_ARRAY;
    if (!array && (status = inf_gguf_get_float(keys->gguf, key, &value, err)))
        return status;
    if (array && k->items != INFER_META_F32 && k->items != INFER_META_F64)
        return inf_fail(err, INFER_E_FORMAT, "key %s is an array of %s, floats are needed", key,
                        inf_gguf_type_name(k->items));
    if (array && k->count != hp->layers)
        return inf_fail(err, INFER_E_FORMAT, "key %s has %llu values for %u layers", key,
                        (unsigned long long)k->count, hp->layers);
    for (uint32_t i = 0; i < hp->layers; i++) {
        infer_meta_value one = {.f = value};
        if (array)
            inf_gguf_value(k, i, &one);
        float own = (float)one.f;
        if (!isfinite(own))
            return inf_fail(err, INFER_E_FORMAT, "key %s is %g for layer %u, not a finite float",
                            key, one.f, i);
        memcpy((char *)&hp->layer[i] + offset, &own, sizeof own);
    }
    return INFER_OK;
}
