"""A mail server with the manners of the real ones: it greylists strangers and refuses unknown recipients."""

import asyncio
from collections.abc import Callable

from services.faults import Fault, Switch

GREYLIST_SECONDS = 2.0
UNKNOWN_MAILBOX_PREFIX = "nobody"


class MailServer:
    """SMTP (RFC 5321) for one message per connection.

    Args:
        switch: `unavailable` answers 421 to every connection; other faults are not known here.
        clock: seconds that only grow.
    """

    def __init__(self, switch: Switch, clock: Callable[[], float]) -> None:
        self._switch = switch
        self._clock = clock
        self._first_seen: dict[tuple[str, str], float] = {}

    async def serve(self, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._connected, "127.0.0.1", port)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        if self._switch.fault is Fault.UNAVAILABLE:
            self._switch.counts["fault:unavailable"] += 1
            say("421 4.3.2 Service not available, closing transmission channel")
            return
        say("220 mail.example ESMTP")
        sender = ""
        while line := (await reader.readline()).decode("latin-1").strip():
            verb = line[:4].upper()
            if verb == "MAIL":
                sender = _address(line)
                say("250 2.1.0 Ok")
            elif verb == "RCPT":
                say(self._judge(sender, _address(line)))
            elif verb == "DATA":
                say("354 End data with <CR><LF>.<CR><LF>")
                await writer.drain()
                await reader.readuntil(b"\r\n.\r\n")
                self._switch.counts["messages"] += 1
                say("250 2.0.0 Ok: queued")
            elif verb == "QUIT":
                say("221 2.0.0 Bye")
                await writer.drain()
                return
            else:
                say(
                    "250 mail.example"
                    if verb in ("EHLO", "HELO", "RSET", "NOOP")
                    else "502 5.5.2 Unknown command"
                )
            await writer.drain()

    def _judge(self, sender: str, recipient: str) -> str:
        if recipient.startswith(UNKNOWN_MAILBOX_PREFIX):
            self._switch.counts["refused"] += 1
            return f"550 5.1.1 <{recipient}>: Recipient address rejected: User unknown"
        now = self._clock()
        if now - self._first_seen.setdefault((sender, recipient), now) < GREYLIST_SECONDS:
            self._switch.counts["greylisted"] += 1
            return f"451 4.7.1 <{recipient}>: Recipient address rejected: Greylisted, please try again later"
        return "250 2.1.5 Ok"


def _address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0].lower()
