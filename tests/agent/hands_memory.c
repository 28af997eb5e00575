/* Memory that runs out, at each allocation in turn: nothing is done by half, nothing is shown in part. */
#include <stdlib.h>
#include <string.h>

#include "tests/agent/hands_tests.h"

static const char *const calls[][2] = {
    {"read_file", "{\"path\":\"a\"}"},
    {"list_files", "{}"},
    {"search", "{\"pattern\":\"(o|x)n\",\"regex\":true}"},
    {"edit_file", "{\"path\":\"a\",\"old_text\":\"one\",\"new_text\":\"two\"}"},
    {"write_file", "{\"path\":\"a\",\"text\":\"two\\n\"}"},
    {"run", "{\"argv\":[\"./a\",\"b\"]}"},
    {"run", "{\"shell\":\"./a b\"}"},
    {"undo", "{}"},
    {"git_commit", "{\"message\":\"m\",\"paths\":[\"a\"]}"},
};

void hands_memory(void)
{
    struct bench b;
    bench_open(&b);
    bench_put(&b, "home/.gitconfig", "[user]\nname = N\nemail = e@example.org\n");
    CHECK(bench_shell(&b, "root", "git init -q"), "git init");
    bench_tools(&b);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char whole[8192] = "";
        bool through = false;
        for (long at = -1; at < 4000 && !through; at++) {
            struct action action;
            struct text error = {0}, result = {0};
            bench_put(&b, "root/a", "one\n");
            count_fail_at = -1;
            if (!strcmp(calls[i][0], "undo"))
                bench_call(&b, "write_file", "{\"path\":\"c\",\"text\":\"x\"}", &result);
            text_free(&result);
            count_fail_at = at;
            bool prepared = bench_prepare(&b, calls[i][0], calls[i][1], &action, &error);
            bool hit = at >= 0 && count_fail_at < 0;
            if (prepared && at < 0)
                snprintf(whole, sizeof whole, "%s", action.shown.data);
            CHECK(!prepared || (action.shown.data && !action.shown.failed &&
                                !strncmp(whole, action.shown.data, strlen(whole))),
                  "%s, allocation %ld: shown whole or not at all", calls[i][0], at);
            bool done = prepared && action.perform(&action, &b.agent, &result);
            count_fail_at = -1;
            CHECK(at >= 0 || done, "%s is done where there is memory: %s %s", calls[i][0],
                  error.data ? error.data : "", result.data ? result.data : "");
            CHECK(bench_holds(&b, "root/a", "one\n") || bench_holds(&b, "root/a", "two\n"),
                  "%s, allocation %ld: the old file or the new one", calls[i][0], at);
            bool wrote = bench_holds(&b, "root/a", "two\n");
            CHECK(!wrote || done, "%s, allocation %ld: written and said to be", calls[i][0], at);
            through = at >= 0 && !hit && count_fail_at == -1 && done && at > 3000;
            if (prepared)
                action_free(&action);
            text_free(&error);
            text_free(&result);
            if (at >= 0 && !hit && at > 200)
                through = true;
        }
        text_free(&hands_ran);
    }
    bench_close(&b);
}
