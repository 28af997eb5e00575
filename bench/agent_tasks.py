#!/usr/bin/env python3
"""Twenty small tasks for infer-agent, each in a throw-away folder, judged by its outcome alone.

usage: agent_tasks.py INFER_AGENT MODEL.gguf [--only NAME] [--table FILE] [-- OPTION...]

Questions are answered with yes on a terminal of their own, so that what is judged is what the model does. The table
says of each task: whether its outcome is there, how many turns and calls it took, how many calls were valid (they
became an action, whatever came of it), why it ended. The exit status is 0 when all tasks ran to an end, whatever
their outcome.
"""
import argparse
import json
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time

LIMIT_S = 600
QUESTION = re.compile(rb"Enter: no: ")


def git(root, *words):
    return subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(root), *words],
                          capture_output=True, text=True, check=False).stdout


def said(run, *words):
    return all(word.lower() in run["text"].lower() for word in words)


def text_of(root, name):
    path = root / name
    return path.read_text(errors="replace") if path.is_file() else ""


def runs(root, *words):
    """Standard output of a program there, None where it fails."""
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout if done.returncode == 0 else None


CALC = "def add(a, b):\n    return a + b\n\n\ndef mul(a, b):\n    return a * b\n"
USES = "from calc import add\n\nprint(add(2, 3))\n"
FRUIT = "apples 3\npears 4\nplums 12\n"

# name, files, the task, the judge; with "git" a work tree with one commit
TASKS = [
    ("list", {"a.txt": "x\n", "b.md": "y\n"}, "List the files in this folder.",
     lambda root, run: said(run, "a.txt", "b.md")),
    ("list a folder", {"data/one.csv": "1\n", "data/two.csv": "2\n"}, "Which files are in the folder data?",
     lambda root, run: said(run, "one.csv", "two.csv")),
    ("read", {"note.txt": "The code word is marigold.\n"}, "Read note.txt and tell me the code word.",
     lambda root, run: said(run, "marigold")),
    ("read a number", {"data/fruit.txt": FRUIT}, "How many plums does data/fruit.txt say there are?",
     lambda root, run: said(run, "12")),
    ("search", {"src/a.py": "x = 1\n", "src/b.py": "PORT = 8123\n"}, "Search for PORT and tell me which file has it.",
     lambda root, run: said(run, "b.py")),
    ("write", {}, "Write a file hello.txt with the text: hello world",
     lambda root, run: text_of(root, "hello.txt").strip() == "hello world"),
    ("write a script", {}, "Write a shell script hi.sh that prints hi.",
     lambda root, run: (runs(root, "sh", "hi.sh") or "").strip() == "hi"),
    ("write a program", {}, "Write a Python file sq.py that prints the square of 7.",
     lambda root, run: (runs(root, "python3", "sq.py") or "").strip().endswith("49")),
    ("fix a typo", {"readme.md": "# Title\n\nThis is teh manual.\n"}, "In readme.md replace \"teh\" by \"the\".",
     lambda root, run: text_of(root, "readme.md") == "# Title\n\nThis is the manual.\n"),
    ("fix a bug", {"sub.py": "def sub(a, b):\n    return a + b\n"},
     "The function sub in sub.py must return a - b. Fix it.",
     lambda root, run: runs(root, "python3", "-c", "import sub; print(sub.sub(5, 3))") == "2\n"),
    ("change a value", {"config.ini": "[server]\nport = 80\nname = x\n"}, "Change the port in config.ini to 8080.",
     lambda root, run: text_of(root, "config.ini") == "[server]\nport = 8080\nname = x\n"),
    ("rename a function", {"calc.py": CALC, "main.py": USES},
     "Rename the function add to plus in calc.py and main.py.",
     lambda root, run: "def plus" in text_of(root, "calc.py") and "def add" not in text_of(root, "calc.py") and
     runs(root, "python3", "main.py") == "5\n"),
    ("add a function", {"calc.py": CALC}, "Add a function sub(a, b) to calc.py that returns a - b.",
     lambda root, run: runs(root, "python3", "-c", "import calc; print(calc.sub(5, 3), calc.add(1, 1))") == "2 2\n"),
    ("run a script", {"count.sh": "#!/bin/sh\necho result $((40 + 3))\n"},
     "Run the script ./count.sh and tell me what it prints.", lambda root, run: said(run, "43")),
    ("run a program", {"main.py": "print(6 * 111)\n"}, "Run python3 main.py and tell me its output.",
     lambda root, run: said(run, "666")),
    ("run a shell line", {"list.txt": "b\nc\na\n"}, "Run: sort list.txt > sorted.txt",
     lambda root, run: text_of(root, "sorted.txt") == "a\nb\nc\n"),
    ("write a test", {"calc.py": CALC}, "Write a file test_calc.py with an assert that tests add from calc.py.",
     lambda root, run: "assert" in text_of(root, "test_calc.py") and "add" in text_of(root, "test_calc.py") and
     runs(root, "python3", "test_calc.py") is not None),
    ("test and run", {"calc.py": CALC},
     "Write test_calc.py, which asserts that add(2, 3) from calc.py is 5 and then prints ok. Then run it with "
     "python3 test_calc.py.",
     lambda root, run: (runs(root, "python3", "test_calc.py") or "").strip().endswith("ok") and run["ran"] > 0),
    ("commit", {"git": True, "notes.txt": "one\n"},
     "Write a file todo.txt with the text: tea. Then commit it with the message: add todo",
     lambda root, run: "add todo" in git(root, "log", "--format=%s").lower() and
     "todo.txt" in git(root, "ls-tree", "--name-only", "HEAD")),
    ("edit and commit", {"git": True, "version.txt": "version 1\n"},
     "Change version 1 to version 2 in version.txt, then commit it.",
     lambda root, run: git(root, "show", "HEAD:version.txt") == "version 2\n"),
]


def on_terminal(command):
    """Runs it with a terminal on stdin that says yes; its stdout."""
    read_end, write_end = os.pipe()
    pid, terminal = pty.fork()
    if pid == 0:
        os.dup2(write_end, 1)
        os.closerange(3, 64)
        try:
            os.execv(command[0], command)
        finally:
            os._exit(127)
    os.close(write_end)
    out, shown, asked, end = b"", b"", 0, time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        for fd in select.select([read_end, terminal], [], [], 1)[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:
                data = b""
            if fd == read_end and not data:
                end = 0
            elif fd == read_end:
                out += data
            else:
                shown += data
        if len(QUESTION.findall(shown)) > asked:
            asked += 1
            time.sleep(0.1)
            os.write(terminal, b"protected\n" if b"Type \"protected\"" in shown[-400:] else b"y\n")
    if end:
        os.kill(pid, 9)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(read_end)
    os.close(terminal)
    return status, out.decode(errors="replace")


def do_task(agent, model, options, task):
    name, files, words, judge = task
    base = pathlib.Path(tempfile.mkdtemp(prefix="agent-task-"))
    root = base / "root"
    root.mkdir()
    try:
        for path, text in files.items():
            if path != "git":
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
                (root / path).chmod(0o755 if path.endswith(".sh") else 0o644)
        if "git" in files:
            git(root, "init", "-q")
            git(root, "config", "user.name", "Tester")
            git(root, "config", "user.email", "tester@example.org")
            git(root, "add", "-A")
            git(root, "commit", "-q", "-m", "first")
        start = time.monotonic()
        status, out = on_terminal([agent, model, "--root", str(root), "--log", str(base / "log"), "--json",
                                   "--steps", "12", "--tokens", "1500", *options, "-p", words])
        events = [json.loads(line) for line in out.splitlines()]
        calls = [e for e in events if e["event"] == "call"]
        judged = {e["id"] for e in events if e["event"] == "verdict"}
        calls = [c for c in calls if any(e["event"] == "result" and e["id"] == c["id"] for e in events)]
        ends = [e for e in events if e["event"] == "end"]
        run = {"text": "".join(e["text"] for e in events if e["event"] == "text"),
               "ran": sum(e["name"] == "run" for e in calls)}
        return {"name": name, "done": bool(judge(root, run)), "turns": ends[0]["steps"] if ends else 0,
                "calls": len(calls), "valid": sum(c["id"] in judged for c in calls),
                "reason": ends[0]["reason"] if ends else f"status {status}", "seconds": time.monotonic() - start,
                "text": run["text"], "tools": [c["name"] for c in calls]}
    finally:
        shutil.rmtree(base, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("agent")
    parser.add_argument("model")
    parser.add_argument("--only", help="tasks whose name holds this")
    parser.add_argument("--table", help="write the table there")
    parser.add_argument("--verbose", action="store_true", help="show calls and answers")
    arguments, options = parser.parse_known_args()
    options = [o for o in options if o != "--"]
    agent = os.path.abspath(arguments.agent)
    rows = []
    for task in TASKS:
        if arguments.only and arguments.only not in task[0]:
            continue
        r = do_task(agent, arguments.model, options, task)
        rows.append(r)
        print(f"{'yes' if r['done'] else 'no ':3} {r['name']:18} {r['turns']:2} turns, {r['valid']}/{r['calls']} calls "
              f"valid, {r['reason']}, {r['seconds']:.0f} s", flush=True)
        if arguments.verbose:
            print("    ", r["tools"], repr(r["text"][:200]))
    done = sum(r["done"] for r in rows)
    calls, valid = sum(r["calls"] for r in rows), sum(r["valid"] for r in rows)
    print(f"{done} of {len(rows)} done; {valid} of {calls} calls valid")
    if arguments.table:
        lines = ["| task | done | turns | calls (valid) | ended by |", "|---|---|---|---|---|"]
        lines += [f"| {r['name']} | {'yes' if r['done'] else 'no'} | {r['turns']} | {r['calls']} ({r['valid']}) | "
                  f"{r['reason']} |" for r in rows]
        lines.append(f"| **{done} of {len(rows)}** | | | {calls} ({valid}) | |")
        pathlib.Path(arguments.table).write_text("\n".join(lines) + "\n")


main()
