/* How the families write their calls. The forms are those of the published templates. */
#include "lib/tools/tools.h"

#include <string.h>

#define HERMES "<tool_call>%l%o%c%l</tool_call>"
#define ARRAY "[%_%o%c%{%_,%_%o%c%}%_]"
/* How models write such a call that leave its tags out. */
#define UNTAGGED                                                                                   \
    {                                                                                              \
        "%o%c%_%(</tool_call>%)%_", "```json%_%o%c%_```", "```\n%_%o%c%_```"                       \
    }

/* The same in a turn that is held, where it must be exactly so: hold_fence.c. */
#define FENCED "```%(json%)%_{%_\"name\"%_:%_\"%n\"%_,%_\"arguments\"%_:%_%a%_}%c%_```"

/* The first row whose signs are all in the template's text is its family. */
static const struct inf_call_family families[] = {
    {.name = "harmony", .signs = {"<|channel|>", "<|message|>"}, .channels = true, .native = true},
    {.name = "qwen3-coder", /* and Qwen3.5, Qwen3-Next-Coder, Nemotron 3 */
     .signs = {"<tool_call>", "<function="},
     .forms = {"<tool_call>%_<function=%n>%_%{<parameter=%m>%V</parameter>%_%}</function>%c%_"
               "</tool_call>",
               "<function=%n>%_%{<parameter=%m>%V</parameter>%_%}</function>%c"},
     .skips = {"</tool_call>"},
     .native = true},
    {.name = "seed-oss",
     .signs = {"<seed:tool_call>"},
     .forms = {"<seed:tool_call>%_<function=%n>%_%{<parameter=%m>%v</parameter>%_%}</function>%c%_"
               "</seed:tool_call>"},
     .native = true},
    {.name = "glm", /* GLM 4.5 and on, Laguna */
     .signs = {"<arg_key>"},
     .forms = {"<tool_call>%n%_%{<arg_key>%m</arg_key>%_<arg_value>%v</arg_value>%_%}"
               "</tool_call>%c"},
     .native = true},
    {.name = "minimax-m2",
     .signs = {"<minimax:tool_call>"},
     .forms = {"<minimax:tool_call>%{%_<invoke name=\"%n\">%_%{<parameter name=\"%m\">%v"
               "</parameter>%_%}</invoke>%c%}%_</minimax:tool_call>"},
     .native = true},
    {.name = "deepseek-v3.2",
     .signs = {"DSML"},
     .forms = {"<%|｜DSML｜%|function_calls>%{%_<%|｜DSML｜%|invoke name=\"%n\">%_"
               "%{<%|｜DSML｜%|parameter name=\"%m\" string=\"%t\">%v</%|｜DSML｜%|parameter>%_%}"
               "</%|｜DSML｜%|invoke>%c%}%_</%|｜DSML｜%|function_calls>"},
     .native = true},
    {.name = "deepseek", /* R1, V3 */
     .signs = {"<｜tool▁call▁begin｜>", "```json"},
     .forms = {"<｜tool▁calls▁begin｜>%{%_<｜tool▁call▁begin｜>%|function%|<｜tool▁sep｜>%n%l"
               "```json%l%a%c%l```%_<｜tool▁call▁end｜>%}%_<｜tool▁calls▁end｜>"},
     .native = true},
    {.name = "deepseek-v3.1",
     .signs = {"<｜tool▁call▁begin｜>"},
     .forms = {"<｜tool▁calls▁begin｜>%{%_<｜tool▁call▁begin｜>%n<｜tool▁sep｜>%a%c%_"
               "<｜tool▁call▁end｜>%}%_<｜tool▁calls▁end｜>"},
     .native = true},
    {.name = "kimi",
     .signs = {"<|tool_call_argument_begin|>"},
     .forms = {"<|tool_calls_section_begin|>%{%_<|tool_call_begin|>%k<|tool_call_argument_begin|>"
               "%a%c%_<|tool_call_end|>%}%_<|tool_calls_section_end|>"},
     .native = true},
    {.name = "solar",
     .signs = {"<|tool_call:args|>"},
     .forms = {"<|tool_calls|>%{%_<|tool_call:begin|>%i<|tool_call:name|>%n<|tool_call:args|>%a%c"
               "%_<|tool_call:end|>%}%_<|calls|>"},
     .skips = {"<|begin|>%|assistant", "<|content|>", "<|end|>"},
     .native = true},
    {.name = "command-r7b",
     .signs = {"<|START_ACTION|>"},
     .forms = {"<|START_ACTION|>%_" ARRAY "%_<|END_ACTION|>"},
     .skips = {"<|START_RESPONSE|>", "<|END_RESPONSE|>"},
     .object = "\"tool_name\": \"%\", \"parameters\": ",
     .object_id = "\"tool_call_id\": \"",
     .native = true},
    {.name = "mistral-args", /* Mistral Small 3.2, Magistral, Devstral: tokenizers v11 and v13 */
     .signs = {"[TOOL_CALLS]", "[ARGS]"},
     .forms = {"[TOOL_CALLS]%n%([CALL_ID]%i%)[ARGS]%a%c"},
     .native = true,
     .short_ids = true},
    {.name = "mistral",
     .signs = {"[TOOL_CALLS]"},
     .forms = {"[TOOL_CALLS]%_" ARRAY},
     .native = true,
     .short_ids = true},
    {.name = "gemma4",
     .signs = {"<|tool_call>", "<tool_call|>"},
     .forms = {"<|tool_call>%|call:%n{%g%c%_<tool_call|>"},
     .skips = {"<|tool_response>"},
     .native = true,
     .over = true},
    {.name = "lfm2",
     .signs = {"<|tool_list_start|>"},
     .forms = {"<|tool_call_start|>%_[%_%n(%y%c%{%_,%_%n(%y%c%}%_]%_<|tool_call_end|>"},
     .native = true},
    {.name = "lfm2",
     .signs = {"<|tool_call_start|>"},
     .forms = {"<|tool_call_start|>%_[%_%n(%y%c%{%_,%_%n(%y%c%}%_]%_<|tool_call_end|>"},
     .native = true},
    {.name = "apertus",
     .signs = {"<|tools_prefix|>"},
     .forms = {"<|tools_prefix|>%_[%_{%_\"%n\"%_:%_%a%c%_}%{%_,%_{%_\"%n\"%_:%_%a%c%_}%}%_]%_"
               "<|tools_suffix|>"},
     .native = true},
    {.name = "nemotron",
     .signs = {"<TOOLCALL>"},
     .forms = {"<TOOLCALL>%_" ARRAY "%_</TOOLCALL>"},
     .native = true},
    {.name = "gigachat",
     .signs = {"<|role_sep|>", "function call"},
     .forms = {"<|message_sep|>%|\n\nfunction call%|<|role_sep|>%|\n%o%c"},
     .native = true},
    {.name = "functionary-v3.1",
     .signs = {"<function=", "</function>"},
     .forms = {"<function=%n>%a%c%_</function>"},
     .native = true},
    {.name = "functionary-v3.2",
     .signs = {">>>all"},
     .forms = {">>>%n\n%a%c"},
     .answer = "all",
     .bare = true,
     .native = true},
    {.name = "firefunction", .signs = {"functools["}, .forms = {"functools" ARRAY}, .native = true},
    {.name = "granite", /* 3.x; 4.0 is hermes */
     .signs = {"<|tool_call|>"},
     .forms = {"<|tool_call|>%_" ARRAY, HERMES},
     .native = true},
    {.name = "hermes", /* Qwen2.5, Qwen3, QwQ, Granite 4, SmolLM3, Bielik, Hermes */
     .signs = {"<tool_call>"},
     .forms = {HERMES},
     .whole = UNTAGGED,
     .fence = FENCED,
     .native = true},
    {.name = "llama", /* 3.1 to 3.3 */
     .signs = {"<|start_header_id|>", "\"parameters\"", "tools"},
     .forms = {"<|python_tag|>%_%o%c%{%_;%_%o%c%}"},
     .object = "\"name\": \"%\", \"parameters\": ",
     .bare = true,
     .native = true},
    {.name = "command-r",
     .signs = {"Action: ```json", "tool_name"},
     .forms = {"Action:%_```json%_" ARRAY "%_```"},
     .object = "\"tool_name\": \"%\", \"parameters\": ",
     .native = true},
};

/* The general form: that of hermes, which more models know than any other, asked for in the system
 * message. */
static const struct inf_call_family general = {
    .name = "json", .forms = {HERMES}, .whole = UNTAGGED, .fence = FENCED};

static bool has(const char *text, size_t len, const char *sign)
{
    return memmem(text, len, sign, strlen(sign)) != NULL;
}

const struct inf_call_family *inf_family_find(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        bool all = true;
        for (size_t s = 0; s < 3 && families[i].signs[s]; s++)
            all &= has(text, len, families[i].signs[s]);
        if (all)
            return &families[i];
    }
    return &general;
}
