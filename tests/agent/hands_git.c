/* git_commit and undo: the user's work stays, and nothing that a repository says is run. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/agent/hands_tests.h"

/* A root that is a work tree with one commit, of a user who has said who they are. */
static void repository(struct bench *b)
{
    bench_open(b);
    bench_put(b, "home/.gitconfig",
              "[user]\nname = Test Person\nemail = test@example.org\n"
              "[init]\ndefaultBranch = main\n");
    bench_put(b, "root/a.txt", "one\n");
    bench_put(b, "root/user.txt", "user\n");
    CHECK(bench_shell(b, "root", "git init -q && git add . && git commit -qm first"), "git init");
    bench_tools(b);
    CHECK(b->agent.tools.count == 9, "git's tools are there");
}

#define SHELL(b, line) CHECK(bench_shell(b, "root", line), "%s", line)

static void commits(void)
{
    struct bench b;
    repository(&b);
    REFUSED(&b, "nothing to commit: no file was changed", "git_commit", "{\"message\":\"m\"}");
    bench_put(&b, "root/user.txt", "user's own, not committed\n");
    bench_put(&b, "root/staged.txt", "staged\n");
    SHELL(&b, "git add staged.txt");
    DONE(&b, "", "write_file", "{\"path\":\"a.txt\",\"text\":\"two\\n\"}");
    DONE(&b, "", "write_file", "{\"path\":\"new/b.sh\",\"text\":\"b\\n\"}");
    SHELL(&b, "chmod +x new/b.sh");
    struct action action;
    struct text error = {0};
    CHECK(bench_prepare(&b, "git_commit", "{\"message\":\"Second\\n\\nbody $(reboot)\"}", &action,
                        &error),
          "prepared: %s", hands_text(&error));
    CHECK(
        action.kind == ACTION_GIT && !action.protected &&
            strstr(action.shown.data, "\n\nSecond\n\nbody $(reboot)\n\nMade-with: infer-agent\n") &&
            strstr(action.shown.data,
                   "--- \"a.txt\"\n+++ \"a.txt\"\n@@ -1,1 +1,1 @@\n-one\n+two\n") &&
            strstr(action.shown.data, "--- (no file)\n+++ \"new/b.sh\"\n") &&
            !strstr(action.shown.data, "user.txt"),
        "shows message and changes: %s", action.shown.data);
    CHECK(action.perform(&action, &b.agent, &error) && strstr(error.data, "is made: 2 files"),
          "committed: %s", hands_text(&error));
    action_free(&action);
    text_free(&error);
    SHELL(&b, "test \"$(git log -1 --format='%an %ae %cn %s')\" = "
              "'Test Person test@example.org Test Person Second'");
    SHELL(&b, "git log -1 --format=%B | grep -qx 'Made-with: infer-agent'");
    SHELL(&b, "test \"$(git show --name-only --format= HEAD)\" = \"$(printf 'a.txt\\nnew/b.sh')\"");
    SHELL(&b, "git ls-tree HEAD new/b.sh | grep -q ^100755");
    SHELL(&b, "test \"$(git status --porcelain)\" = \"$(printf 'A  staged.txt\\n M user.txt')\"");
    SHELL(&b, "git fsck --strict");
    REFUSED(&b, "no file was changed", "git_commit", "{\"message\":\"again\"}");
    REFUSED(&b, "as in the last commit", "git_commit",
            "{\"message\":\"again\",\"paths\":[\"a.txt\"]}");
    REFUSED(&b, "between 1 and", "git_commit", "{\"message\":\" \\n\"}");

    CHECK(bench_prepare(&b, "undo", "{}", &action, &error) &&
              strstr(hands_text(&action.shown), "takes back the commit ") &&
              strstr(hands_text(&action.shown), ":\nSecond\nHEAD becomes the commit before it, "),
          "the question names the commit: %s", hands_text(&action.shown));
    action_free(&action);
    DONE(&b, ", \"Second\", is taken back; the files are as they were in it; 2 earlier", "undo",
         "{}");
    SHELL(&b, "test \"$(git log --format=%s)\" = first");
    SHELL(&b, "test \"$(git status --porcelain)\" = \"$(printf ' M a.txt\\nA  staged.txt\\n "
              "M user.txt\\n?? new/')\"");
    DONE(&b, "\"new/b.sh\" is removed again", "undo", "{}");
    DONE(&b, "\"a.txt\" is as it was", "undo", "{}");
    REFUSED(&b, "nothing to undo", "undo", "{}");
    CHECK(bench_holds(&b, "root/a.txt", "one\n") && !bench_has(&b, "root/new/b.sh") &&
              bench_holds(&b, "root/user.txt", "user's own, not committed\n"),
          "all is as it was");
    bench_close(&b);
}

/* What the user did meanwhile stays. */
static void keeps_the_users_work(void)
{
    struct bench b;
    repository(&b);
    DONE(&b, "", "write_file", "{\"path\":\"a.txt\",\"text\":\"two\\n\"}");
    bench_put(&b, "root/a.txt", "the user's\n");
    REFUSED(&b, "has changed since", "undo", "{}");
    CHECK(bench_holds(&b, "root/a.txt", "the user's\n"), "an edit after the agent's");
    bench_put(&b, "root/a.txt", "two\n");
    DONE(&b, "is made: 1 files", "git_commit", "{\"message\":\"agent's\"}");
    bench_put(&b, "root/a.txt", "staged by the user\n");
    SHELL(&b, "git add a.txt");
    REFUSED(&b, "the index has changed", "undo", "{}");
    SHELL(&b, "git diff --cached --quiet && exit 1; git reset -q");
    SHELL(&b, "git commit -q --allow-empty -m theirs");
    REFUSED(&b, "HEAD is not the commit", "undo", "{}");
    SHELL(&b, "git reset -q --soft HEAD~1 && git update-ref refs/remotes/origin/main HEAD");
    REFUSED(&b, "in a remote's branch", "undo", "{}");
    SHELL(&b, "git update-ref -d refs/remotes/origin/main");
    DONE(&b, "is taken back", "undo", "{}");
    REFUSED(&b, "has changed since", "undo", "{}");
    CHECK(bench_holds(&b, "root/a.txt", "staged by the user\n"), "the file is the user's");
    struct action action;
    struct text error = {0};
    bench_put(&b, "root/a.txt", "two\n");
    CHECK(bench_prepare(&b, "git_commit", "{\"message\":\"m\"}", &action, &error), "prepared");
    bench_put(&b, "root/a.txt", "three\n");
    CHECK(!action.perform(&action, &b.agent, &error) && strstr(error.data, "has changed since"),
          "a file that changes after it was shown");
    bench_put(&b, "root/a.txt", "two\n");
    SHELL(&b, "git commit -q --allow-empty -m theirs");
    text_free(&error);
    CHECK(!action.perform(&action, &b.agent, &error) && strstr(error.data, "HEAD has moved"),
          "a commit in between");
    action_free(&action);
    text_free(&error);
    bench_close(&b);
}

/* Attack 8, and more of its kind: each of these would leave a file behind. */
static void runs_nothing(void)
{
    struct bench b;
    repository(&b);
    bench_put(&b, "root/evil", "#!/bin/sh\ntouch \"${0%/*}/../outside/pwned\"\nexit 0\n");
    SHELL(&b,
          "chmod +x evil; E=$PWD/evil; for h in pre-commit post-commit commit-msg "
          "prepare-commit-msg post-index-change reference-transaction post-checkout pre-auto-gc "
          "post-rewrite; do cp evil .git/hooks/$h; done; git config core.fsmonitor $E; "
          "git config core.pager $E; git config core.editor $E; git config diff.external $E; "
          "git config gpg.program $E; git config commit.gpgsign true; "
          "git config core.sshCommand $E; git config core.askPass $E; "
          "git config credential.helper $E; git config core.alternateRefsCommand $E; "
          "git config filter.x.clean $E; git config filter.x.smudge $E; "
          "git config filter.x.process $E; git config diff.y.textconv $E; "
          "git config diff.y.command $E; git config merge.z.driver $E; "
          "git config trailer.t.command $E; git config alias.commit-tree \"!$E\"; "
          "git config core.hooksPath .git/hooks; git config extensions.partialClone origin; "
          "git config remote.origin.url \"ext::$E\"; git config remote.origin.promisor true; "
          "git config protocol.ext.allow always; git config core.worktree /");
    bench_put(&b, "root/.gitattributes", "*.flt filter=x\n*.txt diff=y merge=z\n");
    bench_shell(&b, "outside", "rm -f pwned");
    bench_tools(&b);
    DONE(&b, "", "write_file", "{\"path\":\"a.txt\",\"text\":\"two\\n\"}");
    DONE(&b, "is made", "git_commit", "{\"message\":\"m\"}");
    DONE(&b, "is taken back", "undo", "{}");
    DONE(&b, "", "write_file", "{\"path\":\"b.flt\",\"text\":\"x\"}");
    REFUSED(&b, "is converted by git (filter)", "git_commit", "{\"message\":\"m\"}");
    REFUSED(&b, "not .git", "git_commit",
            "{\"message\":\"m\",\"paths\":[\".git/hooks/pre-commit\"]}");
    REFUSED(&b, "not .git", "git_commit", "{\"message\":\"m\",\"paths\":[\".git/config\"]}");
    REFUSED(&b, "not .git", "git_commit", "{\"message\":\"m\",\"paths\":[\"x/.GIT/config\"]}");
    CHECK(!bench_has(&b, "outside/pwned"), "nothing of the repository's was run");
    bench_close(&b);
}

static void odd_files(void)
{
    struct bench b;
    repository(&b);
    bench_put(&b, "root/.env", "SECRET");
    bench_link(&b, "../outside/x", "root/link");
    bench_put(&b, "outside/x", "SECRET");
    REFUSED(&b, "no hidden names", "git_commit", "{\"message\":\"m\",\"paths\":[\".env\"]}");
    REFUSED(&b, "symbolic link", "git_commit", "{\"message\":\"m\",\"paths\":[\"link\"]}");
    REFUSED(&b, "\"..\" is not taken", "git_commit",
            "{\"message\":\"m\",\"paths\":[\"../outside/x\"]}");
    REFUSED(&b, "paths are files", "git_commit", "{\"message\":\"m\",\"paths\":[\".\"]}");
    REFUSED(&b, "as in the last commit", "git_commit",
            "{\"message\":\"m\",\"paths\":[\"--all\",\":(top)*\",\"*.txt\"]}");
    SHELL(&b, "rm a.txt; mkdir a.txt; echo x > a.txt/y; echo x > ':(top)*'; echo x > -rf; "
              "printf x > \"$(printf 'new\\nline')\"");
    DONE(&b, "is made: 3 files", "git_commit",
         "{\"message\":\"m\",\"paths\":[\":(top)*\",\"-rf\",\"new\\nline\"]}");
    SHELL(&b, "test $(git show -z --name-only --format= HEAD | tr -cd '\\000' | wc -c) = 3");
    REFUSED(&b, "is a folder", "git_commit", "{\"message\":\"m\",\"paths\":[\"a.txt\"]}");
    SHELL(&b, "rm -r a.txt");
    DONE(&b, "is made: 1 files", "git_commit", "{\"message\":\"gone\",\"paths\":[\"a.txt\"]}");
    SHELL(&b, "test -z \"$(git ls-tree HEAD a.txt)\" && git fsck --strict");
    DONE(&b, "is taken back", "undo", "{}");
    SHELL(&b, "test \"$(git status --porcelain a.txt)\" = ' D a.txt'");
    bench_put(&b, "root/.gitattributes", "*.txt text\n");
    bench_put(&b, "root/crlf.txt", "a\r\n");
    REFUSED(&b, "is converted by git (line ends)", "git_commit",
            "{\"message\":\"m\",\"paths\":[\"crlf.txt\"]}");
    struct action action;
    struct text error = {0};
    CHECK(bench_prepare(&b, "git_commit", "{\"message\":\"m\",\"paths\":[\".gitattributes\"]}",
                        &action, &error) &&
              action.protected,
          "a protected name is one in a commit too: %s", hands_text(&error));
    action_free(&action);
    text_free(&error);
    bench_close(&b);
}

/* What is a work tree, and what is none. */
static void trees(void)
{
    struct bench b;
    bench_open(&b);
    CHECK(b.agent.tools.count == 8, "no repository, no git");
    bench_put(&b, "home/.gitconfig", "[init]\ndefaultBranch = main\n");
    SHELL(&b, "git init -q");
    bench_tools(&b);
    DONE(&b, "", "write_file", "{\"path\":\"a\",\"text\":\"1\"}");
    REFUSED(&b, "the user has to set user.name", "git_commit", "{\"message\":\"m\"}");
    SHELL(&b, "git config user.name N; git config user.email e@example.org");
    DONE(&b, "is made: 1 files", "git_commit", "{\"message\":\"the first\"}");
    SHELL(&b, "test \"$(git log --format=%s)\" = 'the first' && test -z \"$(git status -s)\"");
    DONE(&b, "is taken back", "undo", "{}");
    SHELL(&b, "! git rev-parse -q --verify HEAD && test \"$(git status -s)\" = '?? a'");
    DONE(&b, "is made: 1 files", "git_commit", "{\"message\":\"the first\"}");

    /* A linked work tree is one; a file that only says so is none. */
    CHECK(bench_shell(&b, "root", "git worktree add -q ../linked"), "a linked work tree");
    SHELL(&b, "mv ../root ../main && mv ../linked ../root && cd ../root && "
              "git -C ../main worktree repair \"$PWD\"");
    struct bench linked = b;
    linked.agent = (struct agent){.options.root = b.root};
    linked.agent.root_fd = open(b.root, O_PATH | O_DIRECTORY);
    bench_tools(&linked);
    CHECK(linked.agent.tools.count == 9, "a linked work tree is one");
    DONE(&linked, "", "write_file", "{\"path\":\"a\",\"text\":\"2\"}");
    DONE(&linked, "is made: 1 files", "git_commit", "{\"message\":\"linked\"}");
    SHELL(&b, "test \"$(git log -1 --format=%s)\" = linked");
    SHELL(&b, "rm .git && echo \"gitdir: $PWD/../main/.git\" > .git && git rev-parse HEAD");
    bench_tools(&linked);
    CHECK(linked.agent.tools.count == 8, "a .git that names another's is none");
    SHELL(&b, "rm .git && ln -s ../main/.git .git && git rev-parse HEAD");
    bench_tools(&linked);
    CHECK(linked.agent.tools.count == 8, "nor a link");
    SHELL(&b, "rm .git && mkdir .git");
    bench_tools(&linked);
    CHECK(linked.agent.tools.count == 8, "nor an empty folder");
    SHELL(&b, "rmdir .git && cd .. && git init -q");
    bench_tools(&linked);
    CHECK(linked.agent.tools.count == 8, "nor a folder of a work tree");
    tools_close(&linked.agent);
    close(linked.agent.root_fd);
    bench_close(&b);
}

/* Undo keeps what fits, and says of the rest that it does not. */
static void room(void)
{
    struct bench b;
    repository(&b);
    size_t len = (size_t)13 << 20;
    char *data = malloc(len + 1);
    memset(data, 'a', len);
    data[len] = 0;
    bench_put_bytes(&b, "root/big", data, len);
    for (int i = 0; i < 3; i++) {
        struct action action;
        struct text error = {0};
        char call[100];
        snprintf(call, sizeof call, "{\"path\":\"big\",\"text\":\"%d\"}", i);
        bench_put_bytes(&b, "root/big", data, len);
        CHECK(bench_prepare(&b, "write_file", call, &action, &error), "prepared");
        CHECK(action.undoable, "it fits");
        CHECK(action.perform(&action, &b.agent, &error), "done");
        action_free(&action);
        text_free(&error);
    }
    bench_put_bytes(&b, "root/big", data, len);
    CHECK(b.agent.journal != NULL, "a journal");
    for (int i = 0; i < 3; i++) {
        struct action action;
        struct text error = {0};
        bench_put_bytes(&b, "root/big", data, len);
        CHECK(bench_prepare(&b, "write_file", "{\"path\":\"big\",\"text\":\"z\"}", &action, &error),
              "prepared");
        bool fits = action.undoable;
        CHECK(action.perform(&action, &b.agent, &error), "done");
        action_free(&action);
        text_free(&error);
        CHECK(fits == (i < 1), "the journal is full after four");
    }
    REFUSED(&b, "was too large to be kept", "undo", "{}");
    free(data);
    bench_close(&b);
}

void hands_git(void)
{
    commits();
    keeps_the_users_work();
    runs_nothing();
    odd_files();
    trees();
    room();
}
