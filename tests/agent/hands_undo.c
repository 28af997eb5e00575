/* undo in a folder that is no work tree: the agent's own writes go back, newest first, and nothing else does. */
#include <string.h>

#include "tests/agent/hands_tests.h"

#define SHELL(b, line) CHECK(bench_shell(b, "root", line), "%s", line)

static void newest_first(struct bench *b)
{
    CHECK(b->agent.tools.count == 8 && !journal_has_git(&b->agent), "no work tree");
    REFUSED(b, "no change was made", "undo", "{}");
    bench_put(b, "root/a", "one\n");
    SHELL(b, "chmod 750 a");
    DONE(b, "", "write_file", "{\"path\":\"a\",\"text\":\"two\\n\"}");
    DONE(b, "", "edit_file", "{\"path\":\"a\",\"old_text\":\"two\",\"new_text\":\"three\"}");
    DONE(b, "", "write_file", "{\"path\":\"sub/new\",\"text\":\"made\\n\"}");
    struct action action;
    struct text error = {0};
    CHECK(bench_prepare(b, "undo", "{}", &action, &error) && action.kind == ACTION_WRITE &&
              !action.undoable && !action.protected && !strcmp(action.path, "sub/new") &&
              strstr(hands_text(&action.shown), "-made"),
          "what it will do is shown: %s", hands_text(&action.shown));
    action_free(&action);
    DONE(b, "\"sub/new\" is removed again; 2 earlier", "undo", "{}");
    DONE(b, "\"a\" is as it was before the last change; 1 earlier", "undo", "{}");
    CHECK(!bench_has(b, "root/sub/new") && bench_holds(b, "root/a", "two\n"), "two steps back");
    DONE(b, "0 earlier", "undo", "{}");
    REFUSED(b, "no change was made", "undo", "{}");
    CHECK(bench_holds(b, "root/a", "one\n"), "as at the start");
    SHELL(b, "test \"$(stat -c %a a)\" = 750");
}

/* What others did since stays: the file is refused before anybody is asked, and once more when it is carried out. */
static void others_stay(struct bench *b)
{
    static const char *const since[] = {"echo theirs >f",
                                        "rm f",
                                        "rm f && ln -s ../outside/f f",
                                        "ln f ../outside/second",
                                        "rm f && mkdir f",
                                        "chmod 444 f",
                                        "mv d away && ln -s ../outside d",
                                        "mv d away"};
    bench_put(b, "outside/f", "outside\n");
    for (size_t i = 0; i < sizeof since / sizeof *since; i++)
        for (int late = 0; late < 2; late++) {
            const char *path = i < 6 ? "root/f" : "root/d/f";
            const char *call = i < 6 ? "{\"path\":\"f\",\"text\":\"mine\\n\"}"
                                     : "{\"path\":\"d/f\",\"text\":\"outside\\n\"}";
            struct action action = {0};
            struct text said = {0};
            bench_tools(b); /* an empty journal */
            bench_put(b, path, "before\n");
            DONE(b, "", "write_file", call);
            bool ready = late && bench_prepare(b, "undo", "{}", &action, &said);
            CHECK(ready == late, "prepared: %s", hands_text(&said));
            SHELL(b, since[i]);
            bool done = ready ? action.perform(&action, &b->agent, &said)
                              : bench_call(b, "undo", "{}", &said);
            CHECK(!done && said.len, "%s: %s", since[i], hands_text(&said));
            CHECK(!bench_holds(b, path, "before\n") && bench_holds(b, "outside/f", "outside\n"),
                  "%s: nothing is put back", since[i]);
            CHECK(i != 0 || (bench_holds(b, path, "theirs\n") &&
                             strstr(hands_text(&said), "has changed since")),
                  "theirs stays, and why: %s", hands_text(&said));
            action_free(&action);
            text_free(&said);
            SHELL(b, "rm -rf f d away ../outside/second");
        }
}

/* A protected name was asked with a word, and so is its undoing. */
static void protected_names(struct bench *b)
{
    struct action action;
    struct text error = {0};
    bench_tools(b);
    DONE(b, "", "write_file", "{\"path\":\"AGENTS.md\",\"text\":\"x\"}");
    CHECK(bench_prepare(b, "undo", "{}", &action, &error) && action.protected && action.persists,
          "a name of rules");
    action_free(&action);
    DONE(b, "is removed again", "undo", "{}");
}

void hands_undo(void)
{
    struct bench b;
    bench_open(&b);
    newest_first(&b);
    others_stay(&b);
    protected_names(&b);
    bench_close(&b);
}
