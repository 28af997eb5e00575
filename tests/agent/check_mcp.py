#!/usr/bin/env python3
"""A server made with the Python package mcp, in the sandbox: check_mcp.py INFER_AGENT_TEST.

Wants to be run by a Python that has the package (pip install mcp, in a folder of its own); else it is skipped.
"""
import importlib.util
import json
import os
import pathlib
import pty
import select
import shutil
import sys
import tempfile
import time

AGENT = os.path.abspath(sys.argv[1])
HERE = pathlib.Path(__file__).resolve().parent
passed = failed = 0


def check(holds, what, more=""):
    global passed, failed
    passed += bool(holds)
    failed += not holds
    if not holds:
        print(f"FAIL {what}: {more[-1500:]!r}")


def play(turns, answers, *options):
    """Plays turns at a terminal; an answer a question. What stood on the terminal, the events, the log."""
    base = pathlib.Path(tempfile.mkdtemp(prefix="agent-mcp-"))
    try:
        (base / "root/.git").mkdir(parents=True)
        (base / "home").mkdir()
        shutil.copy(HERE / "mcp_server.py", base / "root")
        (base / "script").write_text("".join(json.dumps(turn) + "\n" for turn in turns))
        command = [AGENT, "--script", base / "script", "--root", base / "root", "--log", base / "log", "--json", "-p", "x",
                   "--mcp", f"helper='{sys.executable}' mcp_server.py", *options]
        for folder in sorted({sys.prefix, sys.base_prefix}):
            if not folder.startswith("/usr"):
                command += ["--read", folder]
        events = open(base / "events", "wb+")
        pid, terminal = pty.fork()
        if pid == 0:
            os.dup2(events.fileno(), 1)
            os.execve(AGENT, [str(c) for c in command], {"PATH": os.environ["PATH"], "HOME": str(base / "home"), "TERM": "dumb"})
        seen, asked, end = b"", 0, time.monotonic() + 120
        while time.monotonic() < end:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                data = os.read(terminal, 65536)
            except OSError:
                break
            seen += data
            if seen.count(b"Enter: no: ") > asked and answers:
                asked += 1
                os.write(terminal, answers.pop(0).encode() + b"\n")
        else:
            os.kill(pid, 9)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        events.seek(0)
        lines = events.read().decode(errors="replace")
        log = (base / "log").read_text() if (base / "log").exists() else ""
        return status, seen.decode(errors="replace"), lines, log, sorted(p.name for p in (base / "root").iterdir())
    finally:
        shutil.rmtree(base, ignore_errors=True)


def call(name, **arguments):
    return {"text": "", "calls": [{"name": name, "arguments": arguments}]}


def main():
    turns = [call("helper__add", a=2, b=40), call("helper__add", a=2), call("helper__add", a="two"), call("helper__fail"),
             call("helper__highest", places=[{"name": "hill", "height": 200.5}, {"name": "peak", "height": 4000}]),
             call("helper__look"), call("helper__add", a=1, b=1), {"text": "done", "calls": []}]
    status, seen, lines, log, names = play(turns, ["y", "y", "y", "y", "y", "n"], "--approve", "edits")
    check(status == 0, "the session ends well", f"{status} {seen} {lines}")
    results = [json.loads(line) for line in log.splitlines()]
    ok = [r["ok"] for r in results if r["what"] == "result"]
    check(ok == [True, True, False, False, True, True, False], "what each call came to", f"{ok} {lines}")
    check("server helper" in seen and '"name":"add","arguments":{"a":2,"b":40}' in seen.replace("\r\n  : ", ""),
          "the question shows what is sent", seen)
    check(seen.count("Enter: no: ") == 6, "each call is asked, but for the one that does not fit", seen)
    check("prompt was read: server helper" in seen.replace("\r\n  : ", ""), "the server is named as a source", seen)
    check("42" in lines and "peak" in lines and "rror executing tool fail" in lines, "results", "".join(
        line for line in lines.splitlines() if '"result"' in line))
    check(any(r["what"] == "taint" and r["source"] == "server helper" for r in results), "its result taints", log)
    look = next((json.loads(line) for line in lines.splitlines() if "environment" in line and "network" in line), {})
    text = json.dumps(look)
    check('network' in text and text.count("done") <= 1 and "inside.txt" in names, "the walls hold", f"{text} {names}")
    check(not pathlib.Path("/var/tmp/agent-mcp-outside").exists(), "nothing is written outside")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if importlib.util.find_spec("mcp") is None:
    print("SKIPPED the Python package mcp is not there (pip install mcp)")
    sys.exit(0)
sys.exit(main())
