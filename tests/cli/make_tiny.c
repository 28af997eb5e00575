/*
 * Writes a tiny model to a file, for tests of programs: make_tiny OUT [KIND [TYPE-ID]]. KIND "talker": the
 * first kind, with a chat template that keeps its history and knows tools.
 * make_tiny --lacking DIR: the files of tests/tiny/lacking.h, and a line of each: its name, whether its
 * fault is of the tokenizer, the words that its reason begins with, with tabs between them.
 */
#include "formats/type.h"
#include "tests/tiny/lacking.h"
#include "tests/tiny/talker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char talks[] =
    "{%- if tools %}{{ tools | tojson }}{%- endif %}"
    "{%- for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content }}"
    "{%- for c in m.tool_calls %}{{ '<tool_call>\\n' + (c.function | tojson) + '\\n</tool_call>' }}"
    "{%- endfor %}{{ '<|im_end|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{%- endif %}";

static bool write_file(const char *path, struct mk_bytes bytes)
{
    FILE *f = fopen(path, "wb");
    bool good = f && fwrite(bytes.ptr, 1, bytes.len, f) == bytes.len;
    good &= f && !fclose(f);
    if (!good)
        perror(path);
    free(bytes.ptr);
    return good;
}

static bool write_lacking(const char *folder)
{
    bool good = true;
    for (size_t i = 0; good && i < lacking_count(); i++) {
        const struct lacking *one = lacking_at(i);
        char path[512];
        snprintf(path, sizeof path, "%.400s/%s.gguf", folder, one->name);
        good = write_file(path, lacking_file(one));
        printf("%s\t%d\t%s\n", one->name, one->vocabulary, one->words);
    }
    return good;
}

int main(int argc, char **argv)
{
    const struct tiny_kind *kind = tiny_kind_at(0);
    uint32_t type = INF_TYPE_Q4_K;
    if (argc < 2 || argc > 4) {
        fputs("usage: make_tiny OUT [KIND [TYPE-ID]]; make_tiny --lacking DIR\n", stderr);
        return 2;
    }
    if (argc == 3 && !strcmp(argv[1], "--lacking"))
        return !write_lacking(argv[2]);
    for (size_t i = 0; argc > 2 && i < tiny_kind_count(); i++)
        if (!strcmp(tiny_kind_at(i)->name, argv[2]))
            kind = tiny_kind_at(i);
    if (argc > 3)
        type = (uint32_t)strtoul(argv[3], NULL, 10);
    bool talker = argc > 2 && !strcmp(argv[2], "talker");
    struct mk_bytes bytes = talker ? tiny_talker(kind, true, talks) : tiny_model(kind, type, 1);
    return !write_file(argv[1], bytes);
}
