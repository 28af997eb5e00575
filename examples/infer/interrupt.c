/* Ctrl-C: ends the text that is being made, not the shell's line. */
#include "cli.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t hits;
static infer_session *volatile target;

static void on_signal(int number)
{
    (void)number;
    if (++hits > 2) /* nobody listens */
        _exit(CLI_INTERRUPTED);
    if (target)
        infer_session_cancel(target);
}

void cli_interrupt_install(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal; /* no SA_RESTART: a read that waits for the prompt ends too */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

void cli_interrupt_target(infer_session *session)
{
    target = session;
}

bool cli_interrupted(void)
{
    return hits != 0;
}

void cli_interrupt_reset(void)
{
    hits = 0;
}
