"""Servers of a few lines on loopback: HTTP that answers as its path says, SMTP that refuses as told, raw sockets."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWERS: Mapping[str, tuple[int, Mapping[str, str], bytes]] = {
    "/bad-request": (400, {}, b'{"error": "amount must be positive"}'),
    "/unauthorised": (401, {}, b'{"error": "invalid api key"}'),
    "/forbidden": (403, {}, b'{"error": "not yours"}'),
    "/absent": (404, {}, b'{"error": "no such order"}'),
    "/method": (405, {}, b""),
    "/conflict": (409, {}, b'{"error": "exists"}'),
    "/gone": (410, {}, b""),
    "/large": (413, {}, b""),
    "/media": (415, {}, b""),
    "/unprocessable": (422, {}, b'{"errors": {"email": ["is invalid"]}}'),
    "/often": (429, {"Retry-After": "17"}, b""),
    "/often-until": (
        429,
        {"Retry-After": "Wed, 21 Oct 2026 07:30:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"},
        b"",
    ),
    "/limited": (403, {"X-RateLimit-Remaining": "0"}, b'{"message": "API rate limit exceeded for user 5"}'),
    "/broken": (500, {}, b"oops"),
    "/gateway": (502, {}, b"<html>Bad Gateway</html>"),
    "/unavailable": (503, {}, b""),
    "/maintenance": (503, {"Retry-After": "240"}, b"<html>Maintenance</html>"),
    "/gateway-timeout": (504, {}, b""),
    "/request-timeout": (408, {}, b""),
    "/not-json": (200, {"Content-Type": "application/json"}, b"<html>Welcome</html>"),
    "/loop": (302, {"Location": "/loop"}, b""),
    "/nowhere": (302, {"Location": "ftp://elsewhere.invalid/"}, b""),
}
LINGER_NOT_AT_ALL = struct.pack("ii", 1, 0)  # closing then sends a reset


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        special = getattr(self, f"answer_{self.path.strip('/').replace('-', '_')}", None)
        if special is not None:
            special()
            self.close_connection = True
            return
        status, headers, body = ANSWERS[self.path]
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def answer_hang(self) -> None:
        self.server.waiting.wait(20)  # type: ignore[attr-defined]

    def answer_close(self) -> None:
        """Close without a byte."""

    def answer_reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT_AT_ALL)
        self.connection.close()

    def answer_short(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")

    def answer_garbage(self) -> None:
        self.wfile.write(b"220 mail.example.com ESMTP\r\n\r\n")

    def answer_not_gzip(self) -> None:
        self.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\nConnection: close\r\n\r\nnot gzip"
        )

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what these tests are about."""


@contextlib.contextmanager
def http_server() -> Iterator[str]:
    """Serve ``ANSWERS`` and the misbehaviours above; gives the address without a slash at its end."""
    server = _HttpServer(("127.0.0.1", 0), _Handler)
    server.waiting = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.waiting.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()


@contextlib.contextmanager
def smtp_server(**replies: str) -> Iterator[int]:
    """Serve one mail conversation after the other; gives the port.

    Args:
        replies: By verb in lower case (``greeting``, ``ehlo``, ``auth``, ``mail``, ``rcpt``, ``data``, ``end``):
            what to answer instead of agreeing. ``hang`` answers nothing, ``close`` ends the conversation.
    """
    agreed = {
        "greeting": "220 here",
        "ehlo": "250-here\r\n250 AUTH PLAIN LOGIN",
        "data": "354 go on",
        "quit": "221 bye",
    }
    finished = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                if not self.answer("greeting"):
                    return
                while line := self.rfile.readline():
                    verb = line.decode().split(" ")[0].strip().lower()
                    if not self.answer(verb):
                        return
                    if verb == "data" and "data" not in replies:
                        while self.rfile.readline() not in (b".\r\n", b""):
                            pass
                        if not self.answer("end"):
                            return

        def answer(self, verb: str) -> bool:
            reply = replies.get(verb) or agreed.get(verb, "250 yes")
            if reply == "hang":
                finished.wait(20)
            if reply in ("hang", "close"):
                return False
            self.wfile.write(f"{reply}\r\n".encode())
            return True

    with tcp_server(Handler) as port:
        yield port
        finished.set()


@contextlib.contextmanager
def tcp_server(handler: Callable[..., Any]) -> Iterator[int]:
    """Serve raw connections with a ``socketserver`` handler class; gives the port."""

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield int(server.server_address[1])
    server.shutdown()
    server.server_close()
    thread.join()
