#!/usr/bin/env python3
"""infer-agent whole, with allocations that fail (failing.c): check_memory.py INFER_AGENT_TEST [--all | NUMBER[+]...].

One short session (a file is read and edited, a program runs after a question, an answer) is played again and again;
each time one allocation fails, or all from one on: a sample of them, the same each time, or with --all each. Whatever
fails, the agent ends with a status and a sentence, no process and no file is left of it, the file is the old or the
new one, and the log verifies. The last line is `N passed, N failed`.
"""
import os
import pathlib
import re
import shutil
import sys
import tempfile
import time

from scene import Ears, Scene, argv, call, edit, read

AGENT = os.path.abspath(sys.argv[1])
RUNS = 60  # of each kind, at most
AT_ONCE = 4
OLD, NEW = "plain\n", "pl\u00e4in\n"


class Failing(Scene):
    fail = None

    def environment(self):
        return {**super().environment(), "AGENT_COUNT": str(self.aside / "count"), **({"AGENT_FAIL": self.fail} if self.fail else {})}

    def verify(self):
        self.report = ""
        fail, self.fail = self.fail, None
        try:
            return not self.log.exists() or super().verify()
        finally:
            self.fail = fail

    def log_ends(self):
        self.verify()
        return "whole" in self.report

    def session(self, fail):
        self.fail = fail
        for name in (self.root / "plain.txt", self.root / "sub" / "made"):
            name.unlink(missing_ok=True)
        (self.root / "plain.txt").write_text(OLD)
        names = sorted(os.listdir(self.root))
        r = self.play(read("README.md"), edit("plain.txt", "plain", "pl\u00e4in"), argv("sh", "-c", f"echo x >sub/made; true {self.mark}"), human=True,
                      options=["--approve", "edits"])
        text = self.read_text("plain.txt")
        self.check(0 <= r.status < 128, f"status {r.status}", r)
        self.check(re.search(r"infer-agent: .*\w \w", r.terminal), "a sentence at its end", r)
        self.check(text in (OLD, NEW), f"neither old nor new: {text!r}")
        self.check(sorted(os.listdir(self.root)) == names, f"left in the root: {os.listdir(self.root)}")
        self.check(self.log.exists() or r.status == 1, f"no log, status {r.status}", r)
        made = (self.root / "sub" / "made").exists()
        shown = f'  | ["sh","-c","echo x >sub/made; true {self.mark}"]\r\n'
        self.check(not made or any(shown in question for question in r.questions), "a program ran that was not shown whole", r)
        self.check("Sanitizer" not in r.terminal, "a sanitizer speaks", r)
        self.check(r.status or self.log_ends(), "status 0, and the log has no end", r)
        self.log.unlink(missing_ok=True)
        if fail is None:
            self.check(r.status == 0 and text == NEW and made, "a session where there is memory", r)
        return r


def play(folder, ears, number, fails, out):
    """Some of the sessions; counts and what was wrong."""
    s = Failing(folder, AGENT, sys.executable, "A", ears, number)
    passed = failed = 0
    try:
        for fail in fails:
            s.checks = []
            try:
                s.session(fail)
            except Exception as error:
                s.check(False, f"{type(error).__name__}: {error}")
            bad = [what for good, what in s.checks if not good]
            for what in bad:
                print(f"FAIL allocation {fail}: {what}", flush=True)
            passed, failed = passed + len(s.checks) - len(bad), failed + len(bad)
    finally:
        s.close()
    os.write(out, f"{passed} {failed}".encode())


def main():
    start = time.monotonic()
    base = pathlib.Path(tempfile.mkdtemp(prefix="agent-memory-"))
    ears = Ears(base, os.getpid())
    counts = []
    try:
        s = Failing(base, AGENT, sys.executable, "A", ears, 99)
        s.session(None)
        total = int((s.aside / "count").read_text())
        print("".join(f"FAIL {what}\n" for good, what in s.checks if not good), end="")
        counts.append((sum(good for good, _ in s.checks), sum(not good for good, _ in s.checks)))
        s.close()
        fails = sys.argv[2:]
        if fails in ([], ["--all"]):
            step = 1 if fails else -(-total // RUNS)
            fails = [f"{at}{'+' * all}" for at in range(0, total, step) for all in (False, True)]
        print(f"{total} allocations; {len(fails)} sessions in which some fail")
        pipes = []
        for worker in range(AT_ONCE):
            mine, theirs = os.pipe()
            if os.fork() == 0:
                try:
                    play(base, ears, worker, fails[worker::AT_ONCE], theirs)
                finally:
                    os._exit(0)
            os.close(theirs)
            pipes.append(mine)
        for mine in pipes:
            counts.append(tuple(int(n) for n in (os.read(mine, 100) or b"0 1").split()))
            os.wait()
    finally:
        ears.close()
        shutil.rmtree(base, ignore_errors=True)
    passed, failed = (sum(c[i] for c in counts) for i in (0, 1))
    print(f"{time.monotonic() - start:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
