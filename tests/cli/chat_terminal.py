#!/usr/bin/env python3
"""chat_terminal.py INFER MODEL [OPTION...]: talks to `infer chat` through a terminal."""
import os, pty, re, signal, sys, time

infer, model, *options = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.environ["TERM"] = "dumb"
    os.execv(infer, [infer, "chat", model, "--temp", "0", "-n", "2000", *options])
seen = b""


def wait(pattern, seconds=30):
    """Reads until the pattern stands in what came since the last wait."""
    global seen
    end = time.monotonic() + seconds
    while not (found := re.search(pattern, seen, re.S)):
        if time.monotonic() > end:
            sys.exit(f"no {pattern!r} in {seen!r}")
        os.set_blocking(terminal, False)
        try:
            seen += os.read(terminal, 65536)
        except BlockingIOError:
            time.sleep(0.02)
        except OSError:
            sys.exit(f"ended, no {pattern!r} in {seen!r}")
    seen = seen[found.end():]
    return found


PROMPT = rb"\[(\d+)\] > "
full = int(wait(PROMPT)[1])
if "--tools" in options:                         # each call gets its result, then the model goes on
    os.write(terminal, b"/result early\n")
    wait(rb"no call that waits")
    wait(PROMPT)
    os.write(terminal, b"hello\n")
    wait(rb"look\(.*/result TEXT gives")
    left = int(wait(PROMPT)[1])
    for _ in range(50):                          # those of all calls but the last ask for the next
        os.write(terminal, b"/result zebra\n")
        if int(wait(rb"zebra\r?\n.*?" + PROMPT)[1]) < left:
            sys.exit(0)
    sys.exit("the model does not go on after the results")
os.write(terminal, b"/help\n")
wait(rb"/clear.*" + PROMPT)
os.write(terminal, b"hel")
time.sleep(0.3)
os.kill(pid, signal.SIGINT)                     # at the prompt: a new line, and no end
wait(PROMPT)
os.write(terminal, b"hello\n")
wait(rb"hello\r?\n.")                            # the reply begins
os.kill(pid, signal.SIGINT)
left = int(wait(PROMPT)[1])
if not left < full:
    sys.exit(f"{left} tokens are left of {full} after a reply")
os.write(terminal, b"/clear\n")
if int(wait(PROMPT)[1]) != full:
    sys.exit("/clear does not give the context back")
os.write(terminal, b"hello\n")                   # the cancel before must not end this one
wait(rb"hello\r?\n.")
os.kill(pid, signal.SIGINT)
wait(PROMPT)
os.write(terminal, b"/exit\n")
for _ in range(200):
    try:
        os.read(terminal, 65536)
    except BlockingIOError:
        pass
    except OSError:
        break
    time.sleep(0.02)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(0 if status == 0 else f"status {status}")
