"""Just enough HTTP/1.1 to be a server one request long, with faults below and above HTTP."""

import asyncio
import json
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from services.faults import Fault, Switch

# Linger for no time: closing then sends RST instead of FIN, which the client sees as a reset connection.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Request:
    """A parsed request; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; an empty body is an empty object."""
        return json.loads(self.body or b"{}")


@dataclass(frozen=True, slots=True)
class Response:
    """A status, a JSON body, further headers."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Response]

ANSWER_OF_FAULT = {
    Fault.UNAVAILABLE: (503, "service temporarily unavailable"),
    Fault.RATE_LIMITED: (429, "too many requests"),
    Fault.ERROR: (500, "internal error"),
}


async def serve(handler: Handler, port: int, switch: Switch | None = None) -> asyncio.Server:
    """Serve on 127.0.0.1; with a switch, its fault is applied before the handler is asked."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read(reader)
            response = await _answer(handler, request, switch, writer)
            if response is not None:
                writer.write(_encode(response))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass  # the client has gone or does not speak HTTP: nobody is left to answer
        finally:
            writer.close()

    return await asyncio.start_server(connected, "127.0.0.1", port)


async def _answer(
    handler: Handler, request: Request, switch: Switch | None, writer: asyncio.StreamWriter
) -> Response | None:
    if switch is None or switch.fault is Fault.NONE:
        return handler(request)
    switch.counts[f"fault:{switch.fault.value}"] += 1
    if switch.fault is Fault.RESET:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        return None
    if switch.fault is Fault.HANG:
        await switch.hang()
        return None
    status, error = ANSWER_OF_FAULT[switch.fault]
    hint = {"Retry-After": str(switch.retry_after_seconds)} if status == HTTPStatus.TOO_MANY_REQUESTS else {}
    return Response(status, {"error": error}, hint)


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _version = head[0].split(" ")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _colon, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)


def _encode(response: Response) -> bytes:
    body = json.dumps(response.body).encode()
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **response.headers,
    }
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
