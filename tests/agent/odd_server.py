#!/usr/bin/env python3
"""A server of the Model Context Protocol that is good or bad in one way, for gate_servers.c: odd_server.py HOW"""
import json
import os
import sys

how = sys.argv[1]
heard = []  # all that came, but for the requests that are answered


def say(message):
    sys.stdout.write(message if isinstance(message, str) else json.dumps(message) + "\n")
    sys.stdout.flush()


def reply(message, result):
    say({"jsonrpc": "2.0", "id": message["id"], "result": result})


def text(*parts, **more):
    return {"content": [{"type": "text", "text": part} for part in parts], **more}


def tool(name, schema=None, **more):
    return {"name": name, "inputSchema": schema or {"type": "object"}, **more}


NUMBER = {"type": "object", "properties": {"n": {"type": "integer", "description": "a number"}}, "required": ["n"]}


def tools(message):
    cursor = message["params"].get("cursor")
    if how == "pages":
        page = int(cursor or 0)
        result = {"tools": [tool("t%d" % page)]}
        if page < 5:
            result["nextCursor"] = str(page + 1)
        return result
    if how == "endless":
        return {"tools": [tool("t" + str(len(heard)))], "nextCursor": "again"}
    if how == "names":
        names = ["good", "good", "a.b", "a/b", "", "x" * 65, "e\x1b[2J", "sp ace", "\u0441", "ok-1_2", "new\nline", 7]
        return {"tools": [tool(name) for name in names] + [{"name": "bare"}, 5, None, [], {"inputSchema": {}}]}
    if how == "many":
        return {"tools": [tool("t%d" % i) for i in range(1000)]}
    if how == "schemas":
        deep = {"type": "object"}
        for _ in range(200):
            deep = {"type": "object", "properties": {"a": deep}}
        wide = {"type": "object", "properties": {"p%d" % i: {"type": "string", "description": "d" * 400} for i in range(200)}}
        tree = {"type": "object", "properties": {"left": {"$ref": "#/$defs/n"}, "right": {"$ref": "#/$defs/n"}},
                "$defs": {"n": {"type": "object", "properties": {k: {"$ref": "#/$defs/n"} for k in "abcdefgh"}}}}
        pick = {"type": "object", "required": ["kind"], "properties": {
            "kind": {"oneOf": [{"const": "a"}, {"const": "b"}], "title": "Kind"},
            "when": {"type": "string", "format": "date-time", "pattern": "(?=x)", "description": "\x1b]0;t\x07" + "w" * 900},
            "where": {"$ref": "#/$defs/a~1b"}, "out": {"$ref": "http://example.com/x"}, "any": True,
            "list": {"type": "array", "uniqueItems": True, "items": {"type": ["integer", "null"], "minimum": 1}}},
            "$defs": {"a/b": {"enum": ["here", "there"]}}, "unevaluatedProperties": False}
        return {"tools": [tool("deep", deep), tool("wide", wide), tool("tree", tree), tool("pick", pick),
                          tool("odd", {"type": "string"}), tool("none", {"type": "object", "properties": 5, "required": 3}),
                          tool("long", None, description="\u202e" + "\u00e9" * 5000)]}
    if how == "changed" and heard.count("tools/list") > 1:
        return {"tools": [tool("echo", NUMBER)]}
    return {"tools": [tool("echo", {"type": "object", "properties": {"text": {"type": "string"}}}), tool("heard"), tool("bad"),
                      tool("number", NUMBER)]}


def call(message):
    name, arguments = message["params"]["name"], message["params"].get("arguments")
    if how == "line":
        say('{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":"' % message["id"])
        for _ in range(100):
            say("x" * (1 << 20))
        say('"}]}}\n')
    elif how == "flood":
        while True:
            say({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "x" * 100}})
    elif how == "bulk":
        for _ in range(100):
            say({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "x" * (1 << 20)}})
    elif how == "deaf":
        while True:
            say({"jsonrpc": "2.0", "id": "p" * 4000, "method": "ping"})
    elif how == "ends":
        os._exit(0)
    elif how == "half":
        say('{"jsonrpc":"2.0","id":%d,"result":{"content":[' % message["id"])
        os._exit(0)
    elif how == "wrong":
        for id in (message["id"] + 1, message["id"] - 1, str(message["id"]), None, -1, 1e300, message["id"] + 0.0, [message["id"]]):
            say({"jsonrpc": "2.0", "id": id, "result": text("wrong")})
        say({"id": message["id"], "result": text("wrong")})
        say({"jsonrpc": "1.0", "id": message["id"], "result": text("wrong")})
        say({"jsonrpc": "2.0", "id": message["id"]})
        if name != "heard":
            return
        reply(message, text("right"))
    elif how == "twice":
        say('{"jsonrpc":"2.0","id":%d,"id":%d,"result":{}}\n' % (message["id"], message["id"]))
    elif how == "silent":
        return
    elif how == "garbage":
        sys.stdout.buffer.write(b"\xff\xfe garbage \x1b[2J\n\n{}\n[]\n5\nnull\n[[[[\n\"\n{\"jsonrpc\":\"2.0\"}\n" + b"[" * 100000 + b"\n")
        reply(message, text("after garbage"))
    elif how == "latin":
        sys.stdout.buffer.write(b'{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":"\xff"}]}}\n' % message["id"])
        sys.stdout.flush()
    elif how == "batch":
        say([{"jsonrpc": "2.0", "method": "notifications/message"}, {"jsonrpc": "2.0", "id": message["id"], "result": text("batch")}])
    elif how == "bytes":
        for byte in json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": text("byte by byte")}) + "\n":
            say(byte)
    elif how == "forms":
        reply(message, {"content": [{"type": "image", "data": "AAAA", "mimeType": "image/png"}, {"type": "text", "text": "a\x1b[2J\u202eb\x00c"},
                                    {"type": "resource", "resource": {"uri": "file:///x", "text": "inside"}},
                                    {"type": "resource", "resource": {"uri": "file:///y", "blob": "AA"}}, {"type": "resource_link", "uri": "z"}, 5, None, {}]})
    elif how == "structured":
        reply(message, {"content": [], "structuredContent": {"a": 1}})
    elif how == "large":
        reply(message, text("\u00e9" * (1 << 20)))
    elif how == "shapes":
        reply(message, {"echo": [], "heard": 5, "bad": None}[name])
    elif how == "error":
        say({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -5, "message": "no\x1b[2J" + "x" * 100000}})
    elif name == "bad":
        reply(message, text("it went wrong", isError=True))
    elif name == "heard":
        reply(message, text(json.dumps(heard)))
    else:
        reply(message, text("echo " + str(arguments.get("text"))))


def main():
    if how == "mute":
        sys.stdin.read()
    for line in sys.stdin:
        message = json.loads(line)
        method = message.get("method")
        heard.append(method if method else message)
        if method == "initialize":
            version = {"old": "2024-11-05", "future": "2999-01-01", "odd": 5}.get(how, message["params"]["protocolVersion"])
            say({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "hello"}})
            say({"jsonrpc": "2.0", "id": "a\n\"b", "method": "ping"})
            say({"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": {}})
            reply(message, {"protocolVersion": version, "capabilities": {} if how == "toolless" else {"tools": {}},
                            "serverInfo": {"name": "odd", "version": "1"}})
        elif method == "tools/list":
            reply(message, tools(message))
            if how == "changed":
                say({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        elif method == "tools/call":
            call(message)


main()
