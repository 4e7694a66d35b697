"""A service over HTTP that can be down, and that notes every call."""

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class BankCall:
    """One call: when it came, whether it went well, and how many were in progress, itself included."""

    at: float
    ok: bool
    in_flight: int


class Bank:
    """An HTTP service on a free port of this machine. Down, it answers 503."""

    def __init__(self, *, seconds_per_call: float = 0.0) -> None:
        self.down = threading.Event()
        self.stuck = threading.Event()
        """While set, whoever calls waits for its answer."""
        self.calls: list[BankCall] = []
        self.in_flight = 0
        self._lock = threading.Lock()
        self._seconds = seconds_per_call
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/pay"

    def since(self, at: float) -> list[BankCall]:
        """The calls that came after a moment."""
        return [call for call in list(self.calls) if call.at > at]

    def close(self) -> None:
        self.stuck.clear()
        self._server.shutdown()
        self._server.server_close()

    def _serve(self) -> int:
        with self._lock:
            self.in_flight += 1
            ok = not self.down.is_set()
            self.calls.append(BankCall(time.time(), ok, self.in_flight))
        try:
            deadline = time.monotonic() + 30
            while self.stuck.is_set() and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(self._seconds)
        finally:
            with self._lock:
                self.in_flight -= 1
        return 200 if ok else 503

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        bank = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the base class wants this name
                self.send_response(bank._serve())
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing: the calls are noted."""

        return Handler
