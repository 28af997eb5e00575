/* The terminal that the session belongs to, for questions that nothing but a person at it may answer. */
#ifndef AGENT_TERMINAL_H
#define AGENT_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct terminal {
    int fd; /* /dev/tty */
    struct termios before;
    sigset_t signals; /* those that were blocked before */
    size_t rows, columns;
    bool colour;
    bool broken;      /* something was not shown, or there is no more input: no answer counts */
    bool interrupted; /* Ctrl-C */
    const volatile sig_atomic_t *cancelled;
};

/* Takes the terminal, where there is one, standard input is one, and the session is in its foreground. False:
 * nobody can be asked. Signals wait until terminal_close. */
bool terminal_open(struct terminal *terminal, const volatile sig_atomic_t *cancelled);
void terminal_close(struct terminal *terminal);

void terminal_put(struct terminal *terminal, const char *data, size_t len);

/* Throws away what was typed before now, until nothing comes for a moment. False: it does not end. */
bool terminal_settle(struct terminal *terminal);

/* Shows lines (each ends with a line feed and fits a row), a screen at a time. False: the person went away before
 * the end. */
bool terminal_page(struct terminal *terminal, const char *lines, size_t len);

/* A line, typed and ended with Enter; letters and spaces alone, made small. False: Ctrl-C, Ctrl-D, end of input,
 * a signal, or a line that is longer. */
bool terminal_line(struct terminal *terminal, char *line, size_t size);

#endif
