/* What comes in: texts, JSON arrays of ids; and bytes made fit for a terminal or for JSON. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX ((size_t)64 << 20)      /* bytes of a prompt or text */
#define IDS_TEXT_MAX ((size_t)512 << 20) /* bytes of a JSON array of ids */

static void out_of_memory(void)
{
    cli_say("out of memory");
    exit(CLI_FAILED);
}

void *cli_alloc(size_t count, size_t size)
{
    void *data = calloc(count ? count : 1, size);
    if (!data)
        out_of_memory();
    return data;
}

static void grow(void **data, size_t *capacity, size_t need, size_t size)
{
    size_t wanted = *capacity < 64 ? 64 : *capacity;
    while (wanted < need)
        wanted += wanted / 2;
    void *grown = realloc(*data, wanted * size);
    if (!grown)
        out_of_memory();
    *data = grown;
    *capacity = wanted;
}

void cli_bytes_append(struct cli_bytes *bytes, const char *data, size_t len)
{
    if (bytes->len + len + 1 > bytes->capacity) {
        void *grown = bytes->data;
        grow(&grown, &bytes->capacity, bytes->len + len + 1, 1);
        bytes->data = grown;
    }
    if (len != 0)
        memcpy(bytes->data + bytes->len, data, len);
    bytes->len += len;
    bytes->data[bytes->len] = '\0';
}

void cli_ids_reserve(struct cli_ids *ids, size_t capacity)
{
    if (capacity <= ids->capacity)
        return;
    void *grown = ids->data;
    grow(&grown, &ids->capacity, capacity, sizeof *ids->data);
    ids->data = grown;
}

void cli_ids_append(struct cli_ids *ids, infer_token id)
{
    cli_ids_reserve(ids, ids->count + 1);
    ids->data[ids->count++] = id;
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* All of a descriptor, at most `most` bytes. */
static infer_status read_all(struct cli *cli, int fd, const char *name, size_t most,
                             struct cli_bytes *text)
{
    char block[65536];
    cli_bytes_append(text, "", 0);
    for (;;) {
        ssize_t got = read(fd, block, sizeof block);
        if (got == 0)
            return INFER_OK;
        if (got < 0 && errno == EINTR) {
            if (cli_interrupted())
                return cli_fail(cli, INFER_E_CANCELLED, "cancelled");
            continue;
        }
        if (got < 0)
            return cli_fail(cli, INFER_E_IO, "%s: %s", name, strerror(errno));
        if (text->len + (size_t)got > most)
            return cli_fail(cli, INFER_E_LIMIT, "%s: more than %zu bytes", name, most);
        cli_bytes_append(text, block, (size_t)got);
    }
}

infer_status cli_read_text(struct cli *cli, const char *path, struct cli_bytes *text)
{
    if (!path)
        return read_all(cli, STDIN_FILENO, "stdin", TEXT_MAX, text);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return cli_fail(cli, INFER_E_IO, "%.200s: %s", path, strerror(errno));
    infer_status status = read_all(cli, fd, path, TEXT_MAX, text);
    close(fd);
    return status;
}

infer_status cli_read_prompt(struct cli *cli, struct cli_bytes *text)
{
    if (cli->opt.prompt && cli->opt.prompt_file)
        return cli_usage(cli, "-p and -f are given both");
    if (cli->opt.prompt) {
        cli_bytes_append(text, cli->opt.prompt, strlen(cli->opt.prompt));
        return INFER_OK;
    }
    if (!cli->opt.prompt_file && isatty(STDIN_FILENO))
        return cli_usage(cli, "no prompt: give -p TEXT, -f FILE, or text on stdin");
    return cli_read_text(cli, cli->opt.prompt_file, text);
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* One JSON integer that fits a token id; anything else is refused with its place. */
static infer_status read_id(struct cli *cli, const char **at, struct cli_ids *ids)
{
    const char *start = *at, *digits = start + (*start == '-');
    size_t count = strspn(digits, "0123456789");
    const char *end = digits + count;
    if (count == 0 || (count > 1 && *digits == '0') || *end == '.' || *end == 'e' || *end == 'E')
        return cli_fail(cli, INFER_E_FORMAT, "stdin: element %zu is not a whole number",
                        ids->count);
    long long value = 0;
    for (; digits < end; digits++)
        if (value <= INT32_MAX)
            value = value * 10 + (*digits - '0');
    if (*start == '-' || value > INT32_MAX)
        return cli_fail(cli, INFER_E_ARGUMENT, "stdin: element %zu: %.*s is no token id",
                        ids->count, (int)(end - start < 40 ? end - start : 40), start);
    cli_ids_append(ids, (infer_token)value);
    *at = end;
    return INFER_OK;
}

static infer_status parse_ids(struct cli *cli, const char *text, size_t len, struct cli_ids *ids)
{
    const char *at = skip_blanks(text);
    if (*at == '\0')
        return cli_fail(cli, INFER_E_FORMAT, "stdin: empty, a JSON array of token ids is needed");
    if (*at++ != '[')
        return cli_fail(cli, INFER_E_FORMAT, "stdin: not a JSON array of token ids");
    at = skip_blanks(at);
    for (bool more = *at != ']'; more;) {
        infer_status status = read_id(cli, &at, ids);
        if (status != INFER_OK)
            return status;
        at = skip_blanks(at);
        more = *at == ',';
        if (more)
            at = skip_blanks(at + 1);
        else if (*at != ']')
            return cli_fail(cli, INFER_E_FORMAT, "stdin: no ',' or ']' after element %zu",
                            ids->count - 1);
    }
    at = skip_blanks(at + 1);
    if (at != text + len)
        return cli_fail(cli, INFER_E_FORMAT, "stdin: something follows the array, at byte %zu",
                        (size_t)(at - text));
    return INFER_OK;
}

infer_status cli_read_ids(struct cli *cli, struct cli_ids *ids)
{
    struct cli_bytes text = {0};
    infer_status status = read_all(cli, STDIN_FILENO, "stdin", IDS_TEXT_MAX, &text);
    if (status == INFER_OK)
        status = parse_ids(cli, text.data, text.len, ids);
    free(text.data);
    return status;
}

void cli_print_ids(struct cli *cli, const infer_token *ids, size_t count)
{
    char text[16];
    cli_output(cli, "[", 1);
    for (size_t i = 0; i < count; i++) {
        int len = snprintf(text, sizeof text, "%s%d", i ? ", " : "", (int)ids[i]);
        cli_output(cli, text, (size_t)len);
    }
    cli_output(cli, "]", 1);
}

/* ---- Escaping ------------------------------------------------------------------------------ */

/* Length of the sound UTF-8 character at text (*code is its number), 0 where it is broken. */
static size_t utf8_char(const unsigned char *text, size_t len, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t need = text[0] < 0x80    ? 1
                  : text[0] >= 0xf8 ? 0
                  : text[0] >= 0xf0 ? 4
                  : text[0] >= 0xe0 ? 3
                  : text[0] >= 0xc0 ? 2
                                    : 0;
    if (need == 0 || need > len)
        return 0;
    *code = need == 1 ? text[0] : text[0] & (0x7fu >> need);
    for (size_t i = 1; i < need; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (text[i] & 0x3f);
    }
    bool surrogate = *code >= 0xd800 && *code < 0xe000;
    return *code < least[need] || *code > 0x10ffff || surrogate ? 0 : need;
}

/* Control characters, and those that turn or hide the text around them. */
static bool disturbs(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
           code == 0xfeff;
}

static void append_hex(struct cli_bytes *out, const unsigned char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char hex[8];
        snprintf(hex, sizeof hex, "\\x%02x", text[i]);
        cli_bytes_append(out, hex, 4);
    }
}

void cli_escape(struct cli_bytes *out, const char *text, size_t len, bool printable)
{
    const unsigned char *bytes = (const unsigned char *)text;
    cli_bytes_append(out, "", 0);
    for (size_t at = 0; at < len;) {
        uint32_t code;
        size_t size = utf8_char(bytes + at, len - at, &code);
        if (size == 0 || (printable && disturbs(code)))
            append_hex(out, bytes + at, size ? size : 1);
        else
            cli_bytes_append(out, text + at, size);
        at += size ? size : 1;
    }
}

/* ---- JSON ---------------------------------------------------------------------------------- */

json_t *cli_json_text(const char *text, size_t len)
{
    if (!text)
        return json_null();
    struct cli_bytes sound = {0};
    json_t *value = json_stringn(text, len);
    if (value)
        return value;
    cli_escape(&sound, text, len, false);
    value = json_stringn(sound.data, sound.len);
    free(sound.data);
    return value;
}

json_t *cli_json_text_replaced(const char *text, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)text;
    struct cli_bytes sound = {0};
    cli_bytes_append(&sound, "", 0);
    for (size_t at = 0; at < len;) {
        uint32_t code;
        size_t size = utf8_char(bytes + at, len - at, &code);
        cli_bytes_append(&sound, size ? text + at : "\xef\xbf\xbd", size ? size : 3);
        at += size ? size : 1;
    }
    json_t *value = json_stringn(sound.data, sound.len);
    free(sound.data);
    return value;
}

json_t *cli_json_u64(uint64_t value)
{
    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    return json_sprintf("%llu", (unsigned long long)value);
}

json_t *cli_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *cli_json_ids(const struct cli_ids *ids)
{
    json_t *array = json_array();
    for (size_t i = 0; i < ids->count; i++)
        json_array_append_new(array, json_integer(ids->data[i]));
    return array;
}
