/* run: what is shown is what is run. */
#include <stdlib.h>
#include <string.h>

#include "tests/agent/hands_tests.h"

static bool ran(const char *what)
{
    bool same = hands_ran.data ? !strcmp(hands_ran.data, what) : !*what;
    text_free(&hands_ran);
    return same;
}

static void commands(struct bench *b)
{
    hands_output = "hello\n";
    DONE(b, "exit status 0; output:\nhello\n", "run", "{\"argv\":[\"echo\",\"hello\"]}");
    CHECK(ran("[echo][hello]"), "argv as it is");
    DONE(b, "", "run", "{\"argv\":[\"x\",\"$(reboot)\",\"a b\",\"\\n;\",\"\",\"-rf\"]}");
    CHECK(ran("[x][$(reboot)][a b][\n;][][-rf]"), "no shell comes between");
    DONE(b, "", "run", "{\"shell\":\"echo $HOME | cat\"}");
    CHECK(ran("[sh][-c][echo $HOME | cat]"), "a line goes to sh");
    REFUSED(b, "not both", "run", "{\"argv\":[\"a\"],\"shell\":\"b\"}");
    REFUSED(b, "not both", "run", "{}");
    REFUSED(b, "is empty", "run", "{\"argv\":[\"\"]}");
    REFUSED(b, "is empty", "run", "{\"shell\":\"\"}");
    CHECK(ran(""), "nothing was run");
    struct text call = {0};
    text_format(&call, "{\"shell\":\"true ");
    for (int i = 0; i < 7000; i++)
        text_format(&call, "          ");
    text_format(&call, "; rm -rf .\"}");
    REFUSED(b, "has more than 65536 bytes", "run", call.data);
    text_free(&call);
    hands_output = "a\x1b[2J\xff z";
    DONE(b, "output:\na\\x1b[2J\\xff z", "run", "{\"argv\":[\"a\"]}");
    hands_output = "headtail";
    hands_left_out = 1000;
    DONE(b, "output:\nhead\n(1000 bytes left out)\ntail", "run", "{\"argv\":[\"a\"]}");
    hands_left_out = 0;
    hands_output = "";
    DONE(b, "exit status 0; no output", "run", "{\"argv\":[\"a\"]}");
    text_free(&hands_ran);
}

static void shown(struct bench *b)
{
    bench_put(b, "root/.git/hooks/x", "x");
    bench_put(b, "root/build.sh", "true\n");
    static const struct {
        const char *call, *shown;
        bool shell, protected;
    } cases[] = {
        {"{\"argv\":[\"a\",\"b c\",\"\\n\"]}", "[\"a\",\"b c\",\"\\n\"]", false, false},
        {"{\"shell\":\"a | b\"}", "a | b", true, false},
        {"{\"argv\":[\"./build.sh\"]}", "[\"./build.sh\"]\n\"build.sh\" SHA-256 ", false, false},
        {"{\"argv\":[\".git/hooks/x\"]}", NULL, false, true},
        {"{\"argv\":[\"./.GIT/hooks/x\"]}", NULL, false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct action action;
        struct text error = {0};
        CHECK(bench_prepare(b, "run", cases[i].call, &action, &error), "%s", cases[i].call);
        size_t len = cases[i].shown ? strlen(cases[i].shown) : 0;
        CHECK(action.kind == ACTION_RUN && action.shell == cases[i].shell &&
                  action.protected == cases[i].protected && action.outside &&
                  (!cases[i].shown || !strncmp(action.shown.data, cases[i].shown, len)),
              "%s is shown as %s", cases[i].call, action.shown.data);
        action_free(&action);
        text_free(&error);
    }
}

/* Attack 29: a script that changes between the question and the run. */
static void scripts(struct bench *b)
{
    static const char *const calls[] = {
        "{\"argv\":[\"./build.sh\"]}",
        "{\"argv\":[\"build.sh/../build.sh\",\"build.sh\"]}",
        "{\"argv\":[\"sh\",\"build.sh\",\"-x\"]}",
        "{\"shell\":\"cd . && ./build.sh>log\"}",
        "{\"shell\":\"sh 'build.sh'\"}",
    };
    static const char *const between[] = {"echo evil > build.sh", "rm build.sh",
                                          "rm build.sh; ln -s other build.sh"};
    bench_put(b, "root/other", "echo good\n");
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (size_t k = 0; k <= sizeof between / sizeof *between; k++) {
            struct action action;
            struct text result = {0};
            bench_shell(b, "root", "rm -f build.sh; echo 'echo good' > build.sh");
            CHECK(bench_prepare(b, "run", calls[i], &action, &result), "%s", calls[i]);
            bool change = k < sizeof between / sizeof *between;
            if (change)
                bench_shell(b, "root", between[k]);
            bool done = action.perform(&action, &b->agent, &result);
            CHECK(done == !change && (!change || strstr(result.data, "has changed since")),
                  "%s after %s: %s", calls[i], change ? between[k] : "nothing", result.data);
            CHECK(!change || !hands_ran.len, "it was not run");
            text_free(&hands_ran);
            action_free(&action);
            text_free(&result);
        }
    char digests[2][65];
    for (int i = 0; i < 2; i++) {
        struct action action;
        struct text error = {0};
        bench_put(b, "root/build.sh", i ? "echo 2\n" : "echo 1\n");
        CHECK(bench_prepare(b, "run", "{\"argv\":[\"./build.sh\"]}", &action, &error), "prepared");
        memcpy(digests[i], action.digest, 65);
        action_free(&action);
        text_free(&error);
    }
    CHECK(strcmp(digests[0], digests[1]), "a grant for one script is none for the next");
}

void hands_runs(void)
{
    struct bench b;
    bench_open(&b);
    commands(&b);
    shown(&b);
    scripts(&b);
    bench_close(&b);
}
