#!/usr/bin/env python3
"""The loop of infer-agent, with turns from scripts: check_loop.py INFER_AGENT_TEST.

Limits, the budget of the context, calls of one turn, repeats, replay, events, Ctrl-C, exit statuses, what happens
without a terminal. Every case works in a folder of its own; the last line is `N passed, N failed`.
"""
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

AGENT = os.path.abspath(sys.argv[1])
SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
LIMIT_S = 60  # of one case: what takes longer hangs
passed = failed = 0


class Result:
    def __init__(self, status, out, err, terminal=""):
        self.status, self.out, self.err, self.terminal = status, out, err, terminal

    def events(self, name=None):
        lines = [json.loads(line) for line in self.out.splitlines()]
        return [e for e in lines if name is None or e["event"] == name]


class Place:
    """A root with files, a script, a log beside it."""

    def __init__(self, files=None):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="agent-loop-"))
        self.root = self.base / "root"
        self.home = self.base / "home"
        self.root.mkdir()
        self.home.mkdir()
        self.logs = 0
        for name, text in (files or {}).items():
            (self.root / name).write_text(text)

    def close(self):
        shutil.rmtree(self.base, ignore_errors=True)

    def script(self, turns):
        path = self.base / "script.jsonl"
        path.write_text("".join(json.dumps(turn) + "\n" for turn in turns))
        return ["--script", str(path)]

    def log(self):
        self.logs += 1
        return self.base / f"log{self.logs}.jsonl"

    def command(self, turns, options, log=None):
        source = self.script(turns) if turns is not None else []
        return [AGENT, *source, "--root", str(self.root), "--log", str(log or self.log()),
                *[str(o) for o in options]]

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "TERM": "xterm",
                "STUB_ROOT": str(self.root)}

    def run(self, turns, *options, stdin="", log=None):
        """Without a terminal."""
        done = subprocess.run(self.command(turns, options, log), input=stdin.encode(),
                              capture_output=True, timeout=LIMIT_S, env=self.environment(),
                              start_new_session=True, check=False)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def run_asked(self, turns, *options, answers=(), interrupt=None, talk=None, log=None):
        """With a terminal on stdin that gives `answers`, one a question. `interrupt`: a text on stderr after which Ctrl-C is
        sent. `talk`: lines typed at prompts; all streams are then the terminal."""
        command = self.command(turns, options, log)
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        pid, terminal = pty.fork()
        if pid == 0:
            if talk is None:
                os.dup2(out_write, 1)
                os.dup2(err_write, 2)
            os.closerange(3, 256)
            try:
                os.execve(AGENT, command, self.environment())
            finally:
                os._exit(127)
        os.close(out_write)
        os.close(err_write)
        texts = {out_read: b"", err_read: b"", terminal: b""}
        answers, lines, asked, prompts = list(answers), list(talk or []), 0, 0
        end = time.monotonic() + LIMIT_S
        while len(texts) and time.monotonic() < end:
            ready = select.select([fd for fd in texts if fd >= 0], [], [], 1)[0]
            closed = False
            for fd in ready:
                try:
                    data = os.read(fd, 65536)
                except OSError:
                    data = b""
                texts[fd] += data
                closed = closed or (fd == terminal and not data)
            if closed:
                break
            seen = texts[terminal]
            if len(re.findall(rb"Enter: no: ", seen)) > asked:
                asked += 1
                time.sleep(0.1)
                os.write(terminal, (answers.pop(0) if answers else "n").encode() + b"\n")
            if interrupt and interrupt.encode() in texts[err_read] + seen:
                time.sleep(0.7)
                os.kill(pid, signal.SIGINT)
                interrupt = None
            if lines and len(re.findall(rb"\[\d+\] > ", seen)) > prompts:
                prompts = len(re.findall(rb"\[\d+\] > ", seen))
                time.sleep(0.1)
                os.write(terminal, lines.pop(0).encode() + b"\n")
            if not ready and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
        if time.monotonic() >= end:
            os.kill(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        for fd in (out_read, err_read):
            while data := os.read(fd, 65536):
                texts[fd] += data
            os.close(fd)
        os.close(terminal)
        return Result(status, *[texts[fd].decode(errors="replace") for fd in (out_read, err_read, terminal)])


def check(holds, what, result=None):
    global passed, failed
    if holds:
        passed += 1
        return
    failed += 1
    print(f"FAIL {what}")
    if result is not None:
        print(f"  status {result.status}\n  out: {result.out[-600:]!r}\n  err: {result.err[-600:]!r}\n"
              f"  terminal: {result.terminal[-800:]!r}")


def call(name, /, **arguments):
    return {"name": name, "arguments": arguments}


def turn(text, *calls):
    return {"text": text, "calls": list(calls)}


def read(path):
    return call("read_file", path=path)


# ---- The cases ---------------------------------------------------------------------------------

def answer(place):
    r = place.run([turn("All is well.")], "-p", "How is it?")
    check(r.status == 0 and r.out == "All is well.\n", "an answer: on stdout, status 0", r)
    check("task is done (1 turn, " in r.err, "how it ended", r)
    r = place.run([turn("From stdin.")], stdin="What?\n")
    check(r.status == 0 and r.out == "From stdin.\n", "a task on stdin", r)
    r = place.run([turn("x")], stdin="")
    check(r.status == 2, "no task: usage", r)


def screen(place):
    """The first screen: rows that fit 80 columns, and say what holds."""
    names = ["model", "root", "may change", "may read", "protected", "hidden", "network", "walls", "approval", "log"]
    tier = place.run([turn("x")], "-p", "x", "--json").events("start")[0]["tier"]

    def rows(*options, asked=False):
        r = (place.run_asked if asked else place.run)([turn("x")], "-p", "x", *options)
        lines = r.err.splitlines()
        found, texts = [], {}
        for line in lines:
            name = line[:11].strip()
            if name in names:
                found.append(name)
            elif line[:11].strip() or not found:
                break
            texts[found[-1]] = (texts.get(found[-1], "") + " " + line[11:]).strip()
        long = [line for line in lines if len(line) > 80 and str(place.base) not in line]
        check(found == names and not long, f"the rows of {options}: {found} {long}", r)
        return texts

    r = rows(asked=True)
    check(r["root"] == str(place.root) and r["log"].startswith(str(place.base)), f"root and log: {r}")
    check(r["walls"].startswith(f"tier {tier}") and "uid" not in r["walls"], f"the walls: {r}")
    check(r["approval"] in ("every change and every run is asked", "every change is asked"), f"approval: {r}")
    r = rows()
    check("no terminal to answer at" in r["approval"], f"without a terminal: {r}")
    r = rows("--tier", "D", "--approve", "edits", asked=True)
    check("NO FILE SANDBOX" in r["walls"] and "no program runs" in r["may change"] and
          "edits does not hold" in r["approval"], f"tier D: {r}")
    r = rows("--sandbox", "none", "--approve", "edits", asked=True)
    check("NO FILE SANDBOX" in r["walls"] and "all that you can" in r["may change"] + r["may read"] and
          "reach all that you can" in r["network"] and "edits does not hold" in r["approval"], f"no sandbox: {r}")
    r = rows("--approve", "deny")
    check("refused" in r["approval"] and "asked is refused (" in r["approval"], f"deny: {r}")
    if tier in "ABC":
        r = rows("--sandbox", "read-only", "--read", "/usr/share", asked=True)
        check(r["may change"].startswith("nothing;") and "/usr/share (--read)" in r["may read"] and
              r["approval"] == "every run is asked", f"read-only: {r}")
    if tier == "A":
        r = rows("--approve", "edits", asked=True)
        check("changes go through" in r["approval"] and "undo cannot take back" in r["approval"], f"edits: {r}")


def progress(place):
    """What takes longer than two seconds shows how far it is."""
    slow, fast = dict(turn("read slowly"), reading=3), dict(turn("read fast"), reading=0.5)
    r = place.run_asked([slow], talk=["go", "/exit"])
    check("reading the prompt: 90 %" in r.terminal and "prompt: 10 %" not in r.terminal, "progress behind 2 s", r)
    check(r.terminal.rfind("\033[K") > r.terminal.rfind("reading the prompt:"), "and it goes again", r)
    r = place.run_asked([fast], talk=["go", "/exit"])
    check("read fast" in r.terminal and "reading the prompt" not in r.terminal, "none before", r)
    r = place.run([slow], "-p", "go")
    check("reading the prompt" not in r.err, "none without a terminal", r)


def endings(place):
    """A sentence for each reason."""
    look = [turn("look", read(f"f{i}.txt")) for i in range(3)]
    for turns, options, said in ((look, ["--steps", "2"], "as many turns as --steps allows (2 turns, "),
                                 ([turn("word " * 50, read("f0.txt"))] * 3, ["-n", "60"], "as many tokens as --tokens"),
                                 ([look[0]] * 9, [], "the model made the same call again and again"),
                                 ([turn("blah " * 2000, read("f0.txt"))] * 9, ["-c", "8192"], "the context is full")):
        r = place.run(turns, "-p", "go", *options)
        check(r.status == 3 and "infer-agent: the task was stopped: " in r.err and said in r.err,
              f"an end: {said}", r)


def usage(place):
    for options, what in ((["--sandbox", "open"], "a mode that is none"), (["--steps", "0"], "no step"),
                          (["--no-such"], "no such option"), (["--read"], "a value is missing"),
                          (["one", "two"], "two models"), (["-c", "12x"], "no number")):
        r = place.run([turn("x")], "-p", "x", *options)
        check(r.status == 2 and r.err.count("\n") == 1 and not r.out, f"usage: {what}", r)
    for options, said in ((["a", "b", "c"], "one MODEL is needed, 3 were given: a, b, ..."),
                          (["--steps", "0"], "--steps takes a whole number from 1 to 10000, not '0'"),
                          (["--sandbox", "x"], "--sandbox takes workspace, read-only or none, not 'x'"),
                          (["--reasoning", "x"], "--reasoning takes off or a whole number from 1"),
                          (["--read"], "--read needs DIR: "), (["-c"], "-c needs N: "),
                          (["--json=1"], "--json takes no value, not '1'"), (["--zap"], "no option '--zap'"),
                          (["doctor", "x"], "doctor takes no other word, 1 was given: x"),
                          (["verify", "a", "b"], "verify needs one LOG, 2 were given: a, b"),
                          (["m", "--replay", "x"], "--replay LOG plays without a MODEL, 1 was given: m")):
        r = place.run(None, *options)
        check(r.status == 2 and said in r.err, f"usage: {options} says: {said}", r)
    r = place.run([turn("x")], "-p", "x", "--root", "/")
    check(r.status == 1 and "home" in r.err, "the root may not hold the home folder", r)
    r = place.run([turn("x")], "-p", "x", "--root", str(place.home))
    check(r.status == 1, "nor be it", r)
    r = place.run([turn("x")], "-p", "x", "--root", str(place.base / "none"))
    check(r.status == 1 and "none" in r.err, "a root that is not there", r)
    done = subprocess.run([AGENT, "doctor"], capture_output=True, timeout=LIMIT_S, check=False,
                          env=place.environment())
    check(done.returncode == 0 and done.stdout, "doctor")
    done = subprocess.run([AGENT, "verify", "/dev/null"], capture_output=True, timeout=LIMIT_S, check=False)
    check(done.returncode == 1 and done.stderr.count(b"\n") == 1, "verify of what is no log")


def pages(_place):
    """Man page and completion name every option."""
    options = subprocess.run([AGENT, "--list-options"], capture_output=True, text=True, check=True).stdout
    names = [line.split("\t")[0] for line in options.splitlines()]
    hidden = {"--script", "--tier", "--landlock-abi", "--small-limits"}
    page = (SOURCE / "examples/agent/man/infer-agent.1").read_text().replace("\\-", "-")
    missing = [n for n in names if n not in hidden and not re.search(rf"^\.(B|BI|BR) .*{re.escape(n)}\b", page, re.M)]
    check(not missing and len(names) > 20, f"the man page has every option, not {missing}")
    # The names that are not like others: the table of names.c, kind by kind, and nothing else.
    table = re.findall(r'\{"([^"]+)", NAME_(\w+)\}', (SOURCE / "examples/agent/names.c").read_text())
    page = page.replace("\\(ti", "~")
    lists = [re.findall(r"\\&([^,\s]+)", block) for block in re.findall(r"^\.nh$(.*?)^\.hy$", page, re.M | re.S)]
    for kind, named in zip(("PROTECTED", "PERSISTS", "HIDDEN"), lists):
        rules = [pattern for pattern, its in table if its == kind]
        check(rules == named and rules, f"the man page has the names of {kind}: {set(rules) ^ set(named)}")
    check(len(lists) == 3 and sum(map(len, lists)) == len(table), f"and no others: {len(table)} rules")
    order = [page.find(word) for word in (".B Tier A", ".B Tier B", ".B Tier C", ".B Tier D", ".SS Two dials", ".SH OPTIONS")]
    check(order == sorted(order) and order[0] > 0, "the tiers come before the options")
    script = (f"source {SOURCE}/examples/agent/completion/infer-agent.bash; COMP_WORDS=({AGENT} m --sandbox '');"
              "COMP_CWORD=3; _infer_agent; echo ${COMPREPLY[*]}; "
              f"COMP_WORDS=({AGENT} m --chat); COMP_CWORD=2; _infer_agent; echo ${{COMPREPLY[*]}}")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    check(done.stdout == "workspace read-only none\n--chat-template\n", f"completion: {done.stdout!r}")


def limits(place):
    turns = [turn(f"look {i}", read(f"f{i}.txt")) for i in range(60)]
    r = place.run(turns, "-p", "go", "--json", "--steps", "3")
    check(r.status == 3 and r.events("end")[0]["reason"] == "steps" and len(r.events("result")) == 3,
          "three steps and no more", r)
    r = place.run(turns, "-p", "go", "--json")
    check(r.status == 3 and r.events("end")[0]["steps"] == 50, "fifty steps without an option", r)
    r = place.run([turn("word " * 50, read("a"))] * 9, "-p", "go", "--json", "--tokens", "100")
    end = r.events("end")[0]
    check(r.status == 3 and end["reason"] == "tokens" and end["steps"] == 2, "tokens", r)


def seconds(place):
    turns = [turn("", call("run", argv=["sleep", "31"])), turn("done")]
    start = time.monotonic()
    r = place.run_asked(turns, "-p", "go", "--json", "--seconds", "2", answers=["y"])
    check(r.status == 3 and r.events("end")[0]["reason"] == "seconds" and time.monotonic() - start < 20,
          "the time ends what runs", r)
    check(not running("sleep 31"), "and nothing of it is left")


def running(what):
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                if words == what and (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                    return True
            except OSError:
                pass
    return False


def repeats(place):
    r = place.run([turn("again", read("f0.txt"))] * 20, "-p", "go", "--json")
    results = r.events("result")
    check(r.status == 3 and r.events("end")[0]["reason"] == "repeats" and len(results) == 3,
          "the same call is done three times", r)
    spaced = ({"name": "read_file", "arguments": "{" + " " * i + "\"path\": \"f0.txt\"}"} for i in range(20))
    r = place.run([turn("again", one) for one in spaced], "-p", "go", "--json")
    check(r.events("end")[0]["reason"] == "repeats" and len(r.events("result")) == 3, "with other blanks too", r)
    bad = {"name": "read_file", "arguments": "{\"path\": "}
    r = place.run([turn("again", bad)] * 20, "-p", "go", "--json")
    check(r.events("end")[0]["reason"] == "repeats" and len(r.events("result")) == 3,
          "a call that is none too", r)
    edit = [call("edit_file", path="f0.txt", old_text=f"v{i}", new_text=f"v{i + 1}") for i in range(6)]
    (place.root / "f0.txt").write_text("v0\n")
    turns = [turn("", e, read("f1.txt")) for e in edit] + [turn("done")]
    r = place.run(turns, "-p", "go", "--json", "--approve", "edits") # what undo takes back is not asked
    check(r.status == 0 and (place.root / "f0.txt").read_text() == "v6\n",
          "changes between them make it another call", r)


def budget(place):
    lines = "".join(f"line {i} of the long file, which is full of words\n" for i in range(3000))
    for i in range(12):
        (place.root / f"long{i}.txt").write_text(f"file {i}\n" + lines)
    turns = [turn(f"file {i}", read(f"long{i}.txt")) for i in range(12)] + [turn("read them all")]
    r = place.run(turns, "-p", "go", "--json", "-c", "8192")
    results, used = r.events("result"), [t["prompt_tokens"] for t in r.events("turn")]
    check(r.status == 0 and len(results) == 12, "twelve long files in a context of 8192", r)
    check(all(e["left_out"] > 0 and "bytes left out" in e["text"] and "file" in e["text"][:100] and
              "line 2999" in e["text"][-200:] for e in results), "head and tail, and what is between is said")
    check(all(len(e["text"]) / 4 <= 8192 / 4 + 200 for e in results), "a quarter at most")
    check(max(used) <= 8192, f"the context is never passed: {used}")
    check(any("shrank" in e["text"] for e in r.events("notice")), "shrinking is said", r)
    r = place.run([turn("blah " * 2000, read("f0.txt"))] * 9, "-p", "go", "--json", "-c", "8192")
    check(r.status == 3 and r.events("end")[0]["reason"] == "context", "what cannot shrink ends the task", r)
    r = place.run([turn("", call("search", pattern="line")), turn("ok")], "-p", "go", "--json", "-c", "4096")
    check(r.status == 0 and len(r.events("result")[0]["text"]) < 8000, "a search that finds too much", r)


def two_calls(place):
    turns = [turn("", call("run", argv=["touch", "first"]), call("run", argv=["touch", "second"])),
             turn("done")]
    r = place.run_asked(turns, "-p", "go", "--json", answers=["y", "n"])
    names = sorted(p.name for p in place.root.iterdir() if p.name in ("first", "second"))
    results = r.events("result")
    check(names == ["first"], f"of two calls the one that was allowed was done: {names}", r)
    check([e["ok"] for e in results] == [True, False] and "efused" in results[1]["text"],
          "results in the order of the calls", r)
    r = place.run_asked(turns, "-p", "go", "--json", answers=["n", "y"])
    check([e["ok"] for e in r.events("result")] == [False, True] and (place.root / "second").exists(),
          "and the other way round", r)


def no_terminal(place):
    turns = [turn("", call("run", argv=["touch", "made"]), call("write_file", path="w", text="x")),
             turn("done")]
    r = place.run(turns, "-p", "go", stdin="y\ny\ny\n")
    check(r.status == 0 and not (place.root / "made").exists() and not (place.root / "w").exists(),
          "no terminal: nothing is done", r)
    check("touch" in r.err and "no terminal" in r.err, "but the question is shown", r)
    r = place.run(turns, "-p", "go", "--approve", "deny", "--json")
    check([e["verdict"] for e in r.events("verdict")] == ["deny", "deny"], "--approve deny", r)


def replay(place):
    (place.root / "f0.txt").write_text("as it was\n")
    log = place.log()
    turns = [turn("look", read("f0.txt")), turn("that was it")]
    r = place.run(turns, "-p", "go", log=log)
    check(r.status == 0, "a session to be replayed", r)
    r = place.run(None, "--replay", log, "--json")
    check(r.status == 0 and [e["text"] for e in r.events("text")] == ["look", "that was it"] and
          r.events("result")[0]["ok"], "the same again", r)
    (place.root / "f0.txt").write_text("not as it was\n")
    r = place.run(None, "--replay", log, "--json")
    check(r.status == 1 and any("read_file (" in e["text"] and "something else" in e["text"]
                                for e in r.events("notice")), "what differs is said, by its tool", r)
    check("replay: 1 task, 2 turns; the result of 1 call was compared with the log: 1 is not as there" in
          r.events("notice")[-1]["text"], "and what was compared", r)
    (place.root / "f0.txt").write_text("as it was\n")
    r = place.run(None, "--replay", log)
    check(r.status == 0 and r.err.endswith("the result of 1 call was compared with the log: it is as there\n"),
          "all as it was", r)
    done = subprocess.run([AGENT, "verify", str(log)], capture_output=True, text=True, check=False)
    check(done.returncode == 0 and "whole" in done.stdout, "verify")
    changed = place.log()
    changed.write_text(log.read_text().replace("f0.txt", "f1.txt", 1))
    r = place.run(None, "--replay", changed)
    check(r.status == 1 and r.err.count("\n") == 1, "a log that was changed is not replayed", r)
    r = place.run(None, "--replay", log, "-p", "x")
    check(r.status == 2, "--replay and -p", r)


def replay_ends(place):
    """A replay has the log's limits and counts, plays on behind a task that one ended, and says how each ended."""
    log, more = place.log(), place.log()
    look = [turn("look", read(f"f{i}.txt")) for i in range(3)]
    r = place.run(look, "-p", "go", "--steps", "2", "-c", "4096", log=log)
    check(r.status == 3, "a session that a limit ends", r)
    r = place.run(None, "--replay", log, "--json")
    check(r.status == 0 and r.events("end")[0]["reason"] == "steps" and r.events("start")[0]["context"] == 4096,
          "ends by the same limit, which is no failure", r)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    counts = [line["prompt_tokens"] for line in lines if line["what"] == "turn"]
    check([e["prompt_tokens"] for e in r.events("turn")] == counts, "the counts of the log", r)
    cut = place.base / "cut.jsonl"
    cut.write_text("".join(log.read_text().splitlines(True)[:-2]))
    r = place.run(None, "--replay", cut)
    check(r.status == 0 and "in the log this task has no end" in r.err and "no end: " in r.err.splitlines()[0],
          "a session that was killed", r)
    r = place.run_asked([turn("wait", call("run", argv=["sleep", "34"]))], "-p", "go", log=more, answers=["y"],
                        interrupt="* run")
    check(r.status == 130, "a session that Ctrl-C ends", r)
    r = place.run(None, "--replay", more)
    check("the log has no more turns of this task" in r.err and "in the log the task was stopped by Ctrl-C" in r.err and
          "1 is not as there" in r.err, "is played as far as it went", r)
    talk = place.log()
    r = place.run_asked([turn("look", read("f0.txt"))] * 5 + [turn("at last")], talk=["one", "two", "/exit"],
                        log=talk)
    r = place.run(None, "--replay", talk, "--json")
    check(r.status == 0 and [e["reason"] for e in r.events("end")] == ["repeats", "end"],
          "a task that repeats, and the next one", r)


def events(place):
    turns = [turn("a \u001b[2J b", read("f0.txt")), turn("end \u202e\u200b")]
    r = place.run(turns, "-p", "go", "--json")
    kinds = [e["event"] for e in r.events()]
    check(kinds[0] == "start" and kinds[-1] == "end" and {"turn", "call", "verdict", "result", "text"} <= set(kinds),
          f"every line is an event: {kinds}", r)
    check(r.err == "" and "\u001b" not in r.out, "and stderr is empty", r)
    start, first = r.events("start")[0], r.events("turn")[0]
    check(start["root"] == str(place.root) and "run" in start["tools"] and start["context"] > 0, "the start", r)
    check({"prompt_tokens", "kept_tokens", "tokens", "step", "stop"} <= set(first), "a turn's counts", r)
    r = place.run(turns, "-p", "go")
    check("\u001b" not in r.out + r.err and "\u202e" not in r.out and "\\x1b[2J" in r.out,
          "no escape of the model's reaches a stream", r)


def strange_calls(place):
    deep = "{\"path\": " + "[" * 10000 + "]" * 10000 + "}"
    turns = [turn("", {"name": "read_file", "arguments": deep}),
             turn("", {"name": "read_file", "arguments": "{\"path\": \"a\", \"path\": \"b\"}"}),
             turn("", call("no_such_tool")), turn("", call("read_file", path="f0.txt", approved=True)),
             turn("", call("write_file", path="big", text="x" * 5000000)), turn("done")]
    r = place.run(turns, "-p", "go", "--json")
    check(r.status == 0 and [e["ok"] for e in r.events("result")] == [False] * 5, "calls that are none", r)


def interrupted(place):
    turns = [turn("wait", call("run", argv=["sleep", "32"])), turn("done")]
    start = time.monotonic()
    r = place.run_asked(turns, "-p", "go", answers=["y"], interrupt="* run")
    # The question is on the terminal: the interrupt comes while it waits, or while the program runs.
    check(r.status == 130 and time.monotonic() - start < 20, "Ctrl-C: status 130", r)
    check(not running("sleep 32"), "what it ran is gone")


def conversation(place):
    (place.root / "f0.txt").write_text("some text\n")
    turns = [turn("first answer"), turn("look", read("f0.txt")), turn("second answer"),
             turn("wait", call("run", argv=["sleep", "33"])), turn("third answer")]
    r = place.run_asked(turns, talk=["/help", "hello", "look at it", "/nonsense", "wait", "go on", "/clear", "/undo",
                                     "/exit"], answers=["y"], interrupt='["sleep","33"]')
    check(r.status == 0, "a conversation ends with status 0", r)
    for text in ("first answer", "second answer", "third answer", "forget the conversation", "no command"):
        check(text in r.terminal, f"a conversation: {text}", r)
    check("stopped by Ctrl-C" in r.terminal and not running("sleep 33"), "Ctrl-C ends a turn, and it goes on", r)


def undo(place):
    """In a folder that is no work tree."""
    (place.root / "f0.txt").write_text("before\n")
    (place.root / "f1.txt").write_text("theirs\n")
    edit = [call("edit_file", path="f0.txt", old_text=a, new_text=b) for a, b in (("before", "once"), ("once", "twice"))]
    turns = [turn("", read("f1.txt")), turn("", edit[0]), turn("", edit[1]), turn("", call("undo")), turn("done")]
    r = place.run(turns, "-p", "go", "--json", "--approve", "edits")
    verdicts = [e["verdict"] for e in r.events("verdict")]
    tier = r.events("start")[0]["tier"]
    if tier == "A" or (tier in "BC" and os.geteuid()):  # elsewhere --approve edits does not hold
        check(verdicts == ["allow", "allow", "allow", "no-terminal"], f"after a file was read: {verdicts}", r)
        check(["+once" in e["bytes"] for e in r.events("change")] == [True, False], "the diff is shown", r)
        (place.root / "f0.txt").write_text("before\n")
        r = place.run(turns, "-p", "go", "--approve", "edits")
        check("\n  | -before\n  | +once\n" in r.err and "\n  | +twice\n" in r.err, "to a person too", r)
    (place.root / "f0.txt").write_text("before\n")
    turns = [turn("", edit[0]), turn("", edit[1]), turn("done"), turn("", call("write_file", path="new.txt", text="x")), turn("done")]
    r = place.run_asked(turns, talk=["edit", "/undo", "more", "/undo", "/undo", "/undo", "/exit"], answers=["y", "y", "y"])
    check((place.root / "f0.txt").read_text() == "before\n" and not (place.root / "new.txt").exists(), "all is taken back", r)
    check("nothing to undo" in r.terminal, "and no more", r)


def start_fails(place):
    """Nothing is left of a session that did not begin."""
    log = place.log()
    r = place.run(None, str(place.base / "none.gguf"), "-p", "go", log=log)
    check(r.status == 1 and "none.gguf" in r.err and not log.exists(), "no model, no log", r)
    r = place.run([turn("x")], "-p", "go", "--mcp", "x=/no/such", log=log)
    check(r.status == 1 and not log.exists(), "no server, no log", r)
    r = place.run(None, "--replay", "/dev/null", log=log)
    check(r.status == 1 and not log.exists(), "nothing to replay, no log", r)
    r = place.run([turn("x")], "-p", "go", log=log)
    check(r.status == 0 and log.exists(), "a session has one", r)
    made = pathlib.Path(AGENT).parent / "make_tiny"
    if made.exists():  # a model without a chat template
        model = place.base / "tiny.gguf"
        subprocess.run([made, model], check=True)
        r = place.run(None, model, "-p", "go")
        check(r.status == 1 and "chat template; --chat-template FILE gives one" in r.err,
              "a model without chat template: the option is named", r)


def full_pipe(place):
    """Ctrl-C while nobody reads stdout: what was to be written comes whole."""
    turns = [turn("word " * 600, read(f"f{i}.txt")) for i in range(40)] # a write of a page at most is made whole or not
    agent = subprocess.Popen(place.command(turns, ["-p", "go", "--json"]), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=place.environment(), start_new_session=True)
    stat = pathlib.Path(f"/proc/{agent.pid}/wchan")
    end = time.monotonic() + 3 # where the kernel does not say where it waits
    while "pipe_write" not in stat.read_text() and time.monotonic() < end:
        time.sleep(0.01)
    agent.send_signal(signal.SIGINT)
    time.sleep(0.2)
    out, err = agent.communicate(timeout=LIMIT_S)
    r = Result(agent.returncode, out.decode(), err.decode())
    texts = [e["text"] for e in r.events("text")]
    check(r.status == 130 and len(texts) > 10 and "".join(texts) == "word " * 600 * (sum(map(len, texts)) // 3000) and
          r.events()[-1]["event"] == "end", f"after Ctrl-C: {len(texts)} texts", r)


def log_fails(place):
    r = place.run([turn("x")], "-p", "go", "--log", str(place.root / "inside.log"))
    check(r.status == 1 and not (place.root / "inside.log").exists(), "no log below the root", r)
    r = place.run([turn("x")], "-p", "go", "--log", "/dev/full")
    check(r.status == 1, "a log that cannot be written", r)


CASES = (answer, screen, progress, endings, usage, pages, limits, seconds, repeats, budget, two_calls, no_terminal, replay, replay_ends, events,
         strange_calls, interrupted, conversation, undo, start_fails, full_pipe, log_fails)


def main():
    only = sys.argv[2:]
    for case in CASES:
        if only and case.__name__ not in only:
            continue
        place = Place({f"f{i}.txt": f"text {i}\n" for i in range(60)})
        try:
            case(place)
        except Exception as error:  # one case that breaks is one failure, and the others run
            check(False, f"{case.__name__}: {type(error).__name__}: {error}")
        finally:
            place.close()
    print(f"{passed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
