"""Serving a lab on this machine: marimo in run mode, on loopback, for this machine's browser alone."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

from navarch.course.errors import CourseError
from navarch.course.frame.session import Session

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")
KEEP_ALIVE = 300
STOPPING = 1
Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]
ALWAYS = ("altair", "vl_convert", "navarch.catalog", "navarch.course.frame.lab")


def application(notebook: Path, session: Session, port: int) -> Application:
    """The web application of a lab; the session is told to the notebook through the environment."""
    import marimo

    from navarch.course.frame.look import head

    os.environ.update(session.environment())
    os.environ["MARIMO_SKIP_UPDATE_CHECK"] = "1"
    served = marimo.create_asgi_app(quiet=True, include_code=False, html_head=head())
    return OwnPagesOnly(served.with_app(path="", root=str(notebook)).build(), port)


class OwnPagesOnly:
    """Refuses what other web pages, or other names for this machine, ask of the lab's server."""

    def __init__(self, inner: Application, port: int) -> None:
        self.inner = inner
        self.allowed = {f"{name}:{port}".encode() for name in NAMES}

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass on what comes from the lab's own pages."""
        if scope["type"] == "lifespan" or self._own(dict(scope["headers"])):
            await self.inner(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"This lab answers its own pages only."})

    def _own(self, headers: dict[bytes, bytes]) -> bool:
        origin = headers.get(b"origin")
        return headers.get(b"host") in self.allowed and (
            origin is None or origin.removeprefix(b"http://") in self.allowed
        )


def free_port(wanted: int | None) -> int:
    """A port of this machine: the wanted one, or any that is free."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as trying:
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trying.bind((HOST, wanted or 0))
        except OSError as error:
            raise CourseError(f"port {wanted} is taken: name another one with --port, or none") from error
        return int(trying.getsockname()[1])


def serve(notebook: Path, session: Session, port: int, ready: Callable[[str], None]) -> None:
    """Serve a lab until it is interrupted. ready: called with its address once it answers."""
    import uvicorn

    from navarch.course.frame.figure import warm

    load(notebook)
    warm()
    configured = uvicorn.Config(
        application(notebook, session, port), host=HOST, port=port, log_level="error", timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=STOPPING,
    )  # fmt: skip
    server = _Announcing(configured, lambda: ready(f"http://{HOST}:{port}/"))
    server.run()


def load(notebook: Path) -> None:
    """Import what the notebook's first cell would wait for; here and now, since threads that import at once can wait
    for each other."""
    from navarch.course.coverage import imported_modules

    for name in dict.fromkeys((*ALWAYS, *imported_modules(notebook))):
        import_module(name)


def _Announcing(configured: Any, started: Callable[[], None]) -> Any:  # noqa: N802
    import uvicorn

    class Announcing(uvicorn.Server):
        """A server that says when it answers."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                started()

    return Announcing(configured)
