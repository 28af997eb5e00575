/* Ctrl-C and the time limit: both end the turn, and what it runs. */
#include "loop.h"

#include <libinfer.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define HITS_MAX 3 /* one more, and nobody listens */

static struct agent *volatile owner;
static infer_session *volatile target;
static volatile sig_atomic_t hits;
static struct itimerval paused;

static void on_signal(int number)
{
    if (number == SIGINT && ++hits > HITS_MAX)
        _exit(130);
    owner->cancelled = number == SIGINT ? CANCEL_PERSON : CANCEL_TIME;
    if (target)
        infer_session_cancel(target);
}

void cancel_install(struct agent *agent)
{
    struct sigaction action;
    owner = agent;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal; /* no SA_RESTART: what waits is to look at `cancelled` */
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGALRM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    action.sa_handler = SIG_IGN; /* a server that has ended is an error of its call */
    sigaction(SIGPIPE, &action, NULL);
}

void cancel_target(struct infer_session *session)
{
    target = session;
}

void cancel_reset(double seconds)
{
    struct itimerval timer = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &timer, NULL);
    owner->cancelled = CANCEL_NONE;
    hits = 0;
    if (target)
        infer_session_clear_cancel(target);
    timer.it_value.tv_sec = (time_t)seconds;
    timer.it_value.tv_usec = (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6);
    setitimer(ITIMER_REAL, &timer, NULL);
}

void cancel_pause(void)
{
    struct itimerval none = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &none, &paused);
}

void cancel_resume(void)
{
    setitimer(ITIMER_REAL, &paused, NULL);
}
