"""Races of check_attacks.py: who swaps, who kills, who watches that no bomb lives on."""
import contextlib
import ctypes
import fcntl
import mmap
import os
import random
import select
import signal
import time

from scene import QUESTION, Played, kill_marked, marked

EXCHANGE = 2  # of renameat2


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Swaps:
    """How often the paths changed places so far; the other process counts in shared memory."""

    def __init__(self):
        self.memory = mmap.mmap(-1, 8)

    @property
    def count(self):
        return int.from_bytes(self.memory[:8], "little")


@contextlib.contextmanager
def swapping(*pairs):
    """A process in which the paths of each pair change places as fast as it can."""
    swaps = Swaps()
    rename = ctypes.CDLL(None, use_errno=True).renameat2
    pid = os.fork()
    if pid == 0:
        die_with_parent()
        stop = []
        signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
        names = [(os.fsencode(a), os.fsencode(b)) for a, b in pairs]
        count, end = 0, time.monotonic() + 120
        while not stop and time.monotonic() < end:
            for a, b in names:
                count += rename(-100, a, -100, b, EXCHANGE) == 0
            swaps.memory[:8] = count.to_bytes(8, "little")
        os._exit(0)
    try:
        yield swaps
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


# A server whose child does the same with two scripts below the root, for two minutes at most.
SWAPPING_SERVER = """
import ctypes, json, os, sys, time
if os.fork() == 0:
    ctypes.CDLL(None).prctl(1, 9)
    rename = ctypes.CDLL(None).renameat2
    end = time.monotonic() + 120
    while time.monotonic() < end and os.getppid() != 1:
        for _ in range(1000):
            rename(-100, b"sub/good", -100, b"sub/evil", 2)
    os._exit(0)
for line in sys.stdin:
    message = json.loads(line)
    result = {"initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}},
              "tools/list": {"tools": []}}.get(message.get("method"))
    if result:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


@contextlib.contextmanager
def alone(folder):
    """One bomb at a time on this machine."""
    with open(folder.parent / "bomb.lock", "r+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


watcher = 0


def watchdog(mark, seconds):
    """A process that kills whatever bears the mark when the time is over; without a mark the last one goes."""
    global watcher
    if watcher:
        os.kill(watcher, signal.SIGKILL)
        os.waitpid(watcher, 0)
        watcher = 0
    if mark:
        watcher = os.fork()
        if watcher == 0:  # outlives its parent: it is the last to keep the bomb small
            end = time.monotonic() + seconds
            time.sleep(seconds)
            while time.monotonic() < end + 5:
                kill_marked(mark)
                time.sleep(0.05)
            os._exit(0)


def play_until(s, one, ready, sign, options):
    """Says yes, sends the signal when `ready` says so of stdout and of the time since the yes, and waits for the
    agent's end."""
    turns = [{"text": "", "calls": [one]}, {"text": "done", "calls": []}]
    pid, terminal, out, err = s.start(turns, ["--json", "-p", "go", *options])
    texts, end, yes, killed = {terminal: bytearray(), out: bytearray(), err: bytearray()}, time.monotonic() + 30, 0, False
    while time.monotonic() < end:
        for fd in select.select(list(texts), [], [], 0.002)[0]:
            try:
                texts[fd] += os.read(fd, 65536)
            except OSError:  # the terminal's other side is closed
                pass
        if not yes and QUESTION.search(texts[terminal]):
            yes = time.monotonic()
            os.write(terminal, b"y\n")
        if not killed and ready(texts[out], time.monotonic() - yes if yes else 0):
            os.kill(pid, sign)
            killed = True
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
    else:
        os.kill(pid, signal.SIGKILL)
        s.check(False, "the agent did not end")
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    for fd in texts:
        os.close(fd)
    return Played(status, "", texts[err].decode(), texts[terminal].decode(), []), killed


def gone(s):
    """No process of the command is left. Its sleep never ends by itself; one that is killed needs a processor once
    more to die, which a busy machine may withhold for long."""
    end = time.monotonic() + 60
    while marked(s.mark) and time.monotonic() < end:
        time.sleep(0.005)
    s.check(not marked(s.mark), "a process is left")


def kill_in_command(s, one, sign):
    """While it starts or runs."""
    delay = random.random() * 0.12
    played, killed = play_until(s, one, lambda _out, since: since > delay, sign, [])
    s.check(killed and played.status == (130 if sign == signal.SIGINT else -sign), "killed in its command", played)
    gone(s)
    s.check(s.verify(), "the log does not verify")


def kill_in_write(s, one, sign):
    """A few milliseconds around the write; it may be done before."""
    delay, begun = random.random() * 0.004, []

    def ready(out, _since):
        if b'"event":"verdict"' not in out:
            return False
        begun.append(time.monotonic())
        return time.monotonic() - begun[0] >= delay

    played, _ = play_until(s, one, ready, sign, ["--approve", "edits"])
    s.check(played.status in (0, 130, -sign), "killed in its write", played)
    s.check(s.verify(), "the log does not verify")
