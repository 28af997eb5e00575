"""A server made with the Python package mcp, for check_mcp.py."""
import os
import pathlib
import socket

from pydantic import BaseModel

try:
    from mcp.server.mcpserver import MCPServer as Server  # 2.x
except ImportError:
    from mcp.server.fastmcp import FastMCP as Server  # 1.x

server = Server("helper")


class Place(BaseModel):
    name: str
    height: float | None = None


@server.tool()
def add(a: int, b: int = 1) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
def highest(places: list[Place]) -> str:
    """The name of the highest place."""
    return max(places, key=lambda place: place.height or 0).name


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("it cannot be done")


@server.tool()
def look() -> dict:
    """What a server can do in the sandbox."""
    seen = {"environment": sorted(os.environ)}
    for what, attempt in {
        "network": lambda: socket.create_connection(("127.0.0.1", 9), 1),
        "outside": lambda: pathlib.Path("/var/tmp/agent-mcp-outside").write_text("x"),
        "passwords": lambda: pathlib.Path("/etc/shadow").read_text(),
        "git": lambda: pathlib.Path(".git/config").write_text("x"),
        "inside": lambda: pathlib.Path("inside.txt").write_text("x"),
    }.items():
        try:
            attempt()
            seen[what] = "done"
        except OSError as error:
            seen[what] = type(error).__name__
    return seen


if __name__ == "__main__":
    server.run()
