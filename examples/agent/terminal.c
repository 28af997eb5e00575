/* The terminal, in a mode where each key is a byte and Ctrl-C is one of them. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "terminal.h"

enum { CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, CTRL_U = 21, DELETE = 127 };
enum { QUIET_MS = 200, SETTLE_TRIES = 25, POLL_MS = 100, PAGE_BYTES = 4096 };

static void measure(struct terminal *terminal)
{
    struct winsize size = {0};
    bool known = !ioctl(terminal->fd, TIOCGWINSZ, &size) && size.ws_row && size.ws_col;
    terminal->rows = known ? size.ws_row : 24;
    terminal->columns = known ? size.ws_col : 80;
    if (terminal->columns < 20)
        terminal->columns = 20;
    if (terminal->columns > 200)
        terminal->columns = 200;
}

static bool in_foreground(const struct terminal *terminal)
{
    return tcgetpgrp(terminal->fd) == getpgrp();
}

bool terminal_open(struct terminal *terminal, const volatile sig_atomic_t *cancelled)
{
    *terminal = (struct terminal){.fd = -1, .cancelled = cancelled};
    if (!isatty(STDIN_FILENO))
        return false;
    /* Those that would stop or end the process wait, so that the terminal's mode is put back first. In the
     * background a read fails then, where it would have stopped the process. */
    static const int waiting[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++)
        sigaddset(&set, waiting[i]);
    pthread_sigmask(SIG_BLOCK, &set, &terminal->signals);

    terminal->fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios mode;
    if (terminal->fd < 0 || !in_foreground(terminal) || tcgetattr(terminal->fd, &terminal->before))
        goto fail;
    mode = terminal->before;
    mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL | ISIG | IEXTEN);
    mode.c_iflag &= ~(tcflag_t)(IGNCR | INLCR | ISTRIP);
    mode.c_iflag |= ICRNL;
    mode.c_oflag |= OPOST | ONLCR;
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    if (tcsetattr(terminal->fd, TCSAFLUSH, &mode))
        goto fail;
    measure(terminal);
    const char *term = getenv("TERM");
    terminal->colour = term && strcmp(term, "dumb") && !getenv("NO_COLOR");
    return true;
fail:
    if (terminal->fd >= 0)
        close(terminal->fd);
    terminal->fd = -1;
    pthread_sigmask(SIG_SETMASK, &terminal->signals, NULL);
    return false;
}

void terminal_close(struct terminal *terminal)
{
    if (terminal->fd < 0)
        return;
    if (in_foreground(terminal))
        tcsetattr(terminal->fd, TCSADRAIN, &terminal->before);
    close(terminal->fd);
    terminal->fd = -1;
    pthread_sigmask(SIG_SETMASK, &terminal->signals, NULL);
}

void terminal_put(struct terminal *terminal, const char *data, size_t len)
{
    while (len && !terminal->broken) {
        ssize_t put = write(terminal->fd, data, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            terminal->broken = true;
            break;
        }
        data += put;
        len -= (size_t)put;
    }
}

static bool signal_waits(const struct terminal *terminal)
{
    static const int ending[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    sigset_t pending;
    if (*terminal->cancelled || sigpending(&pending))
        return true;
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
        if (sigismember(&pending, ending[i]))
            return true;
    return false;
}

/* The next key; -1: there is none any more. */
static int read_key(struct terminal *terminal)
{
    while (!terminal->broken) {
        struct pollfd poll_fd = {.fd = terminal->fd, .events = POLLIN};
        int ready = poll(&poll_fd, 1, POLL_MS);
        unsigned char key;
        if (signal_waits(terminal) || !in_foreground(terminal))
            break;
        if (ready < 0 && errno != EINTR)
            break;
        if (ready <= 0)
            continue;
        ssize_t got = read(terminal->fd, &key, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        terminal->interrupted = key == CTRL_C;
        if (key == CTRL_C || key == CTRL_D)
            break;
        return key;
    }
    terminal->broken = true;
    return -1;
}

bool terminal_settle(struct terminal *terminal)
{
    tcdrain(terminal->fd);
    for (int i = 0; i < SETTLE_TRIES && !signal_waits(terminal); i++) {
        tcflush(terminal->fd, TCIFLUSH);
        struct pollfd poll_fd = {.fd = terminal->fd, .events = POLLIN};
        int ready = poll(&poll_fd, 1, QUIET_MS);
        if (!ready)
            return true;
        if (ready > 0 && poll_fd.revents & (POLLHUP | POLLERR | POLLNVAL))
            break;
    }
    terminal->broken = true;
    return false;
}

bool terminal_page(struct terminal *terminal, const char *lines, size_t len)
{
    static const char more[] = "-- more: space goes on, q is no -- ";
    static const char clear[] = "\r                                    \r";
    const char *end = lines + len;
    size_t page = terminal->rows > 4 ? terminal->rows - 2 : 2;
    size_t bytes = 0;
    for (size_t row = 0; lines < end; row++) {
        if (row == page || bytes >= PAGE_BYTES) {
            row = bytes = 0;
            if (!terminal_settle(terminal))
                return false;
            terminal_put(terminal, more, sizeof more - 1);
            int key;
            do {
                key = read_key(terminal);
            } while (key >= 0 && key != ' ' && key != '\n' && key != 'q' && key != 'n');
            terminal_put(terminal, clear, sizeof clear - 1);
            if (key < 0 || key == 'q' || key == 'n')
                return false;
        }
        const char *feed = memchr(lines, '\n', (size_t)(end - lines));
        size_t line = feed ? (size_t)(feed - lines) + 1 : (size_t)(end - lines);
        terminal_put(terminal, lines, line);
        lines += line;
        bytes += line;
    }
    return !terminal->broken;
}

bool terminal_line(struct terminal *terminal, char *line, size_t size)
{
    size_t len = 0;
    for (;;) {
        int key = read_key(terminal);
        if (key < 0 || key == '\n') {
            terminal_put(terminal, "\n", 1);
            line[len] = 0;
            return key >= 0;
        }
        if ((key == BACKSPACE || key == DELETE) && len) {
            terminal_put(terminal, "\b \b", 3);
            len--;
        } else if (key == CTRL_U) {
            for (; len; len--)
                terminal_put(terminal, "\b \b", 3);
        } else if (key < 0x80 && isprint(key)) {
            if (len + 1 == size) {
                terminal_put(terminal, "\n", 1);
                return false;
            }
            line[len++] = (char)tolower(key);
            terminal_put(terminal, &line[len - 1], 1);
        }
    }
}
