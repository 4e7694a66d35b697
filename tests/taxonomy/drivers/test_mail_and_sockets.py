"""Mail through smtplib, bare sockets, TLS and names."""

from __future__ import annotations

import contextlib
import ftplib
import smtplib
import socket
import socketserver
import ssl
from typing import Any

import pytest

from tests.servers.process import free_port
from tests.taxonomy.drivers.driven import Driven, check
from tests.taxonomy.drivers.local_servers import LINGER_NOT_AT_ALL, smtp_server, tcp_server


def mail(login: bool = False, starttls: bool = False, **replies: str) -> Any:
    """Send one message through a server that answers as told."""

    def provoke() -> None:
        with smtp_server(**replies) as port:
            client = smtplib.SMTP("127.0.0.1", port, local_hostname="shop", timeout=0.3)
            try:
                if starttls:
                    client.starttls()
                if login:
                    client.login("shop", "guessed")
                client.sendmail("shop@shop.invalid", ["bob@mail.invalid"], "Subject: hello\r\n\r\nhello")
            finally:
                client.close()

    return provoke


class Silent(socketserver.BaseRequestHandler):
    """Takes what comes and says nothing."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while self.request.recv(1024):
                pass


class Resetting(socketserver.BaseRequestHandler):
    """Reads a little and resets."""

    def handle(self) -> None:
        self.request.recv(1)
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT_AT_ALL)
        self.request.close()


class Closing(socketserver.BaseRequestHandler):
    """Reads a little and closes."""

    def handle(self) -> None:
        self.request.recv(1024)


def talk(handler: Any, act: Any) -> Any:
    """Connect to a server with that handler and ``act(socket)``."""

    def provoke() -> None:
        with (
            tcp_server(handler) as port,
            socket.create_connection(("127.0.0.1", port), timeout=0.2) as connection,
        ):
            act(connection)

    return provoke


def read_after_sending(connection: socket.socket) -> None:
    connection.sendall(b"hello")
    connection.recv(10)


def shake_hands(connection: socket.socket) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.wrap_socket(connection).close()


def write_to_a_closed_pipe() -> None:
    left, right = socket.socketpair()
    right.close()
    with left:
        left.sendall(b"x")


def address_in_use() -> None:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        first.listen()
        second.bind(first.getsockname())


class CrowdedFtp(socketserver.StreamRequestHandler):
    """Turns everybody away."""

    def handle(self) -> None:
        self.wfile.write(b"421 Too many users logged in, try later.\r\n")


class ClosedFtp(socketserver.BaseRequestHandler):
    """Closes before its greeting."""

    def handle(self) -> None:
        """Nothing to say."""


def ftp(handler: Any) -> Any:
    def provoke() -> None:
        with tcp_server(handler) as port, ftplib.FTP(timeout=0.3) as client:
            client.connect("127.0.0.1", port)

    return provoke


CASES = (
    Driven(
        "mail: closing down",
        "EXTERNAL_API_DOWN",
        True,
        mail(greeting="421 4.3.2 Service not available, closing transmission channel"),
    ),
    Driven(
        "mail: too many connections",
        "TRANSIENT_RATE_LIMIT",
        True,
        mail(greeting="421 4.7.0 Too many connections, try again later"),
    ),
    Driven(
        "mail: closing down on data", "EXTERNAL_API_DOWN", True, mail(data="421 4.3.0 Service not available")
    ),
    Driven(
        "mail: sending rate",
        "TRANSIENT_RATE_LIMIT",
        True,
        mail(data="454 Throttling failure: Maximum sending rate exceeded."),
    ),
    Driven("mail: silent", "EXTERNAL_TIMEOUT,TRANSIENT_NETWORK", True, mail(greeting="hang")),
    Driven("mail: silent on data", "EXTERNAL_TIMEOUT,TRANSIENT_NETWORK", True, mail(data="hang")),
    Driven("mail: disconnects", "TRANSIENT_NETWORK,EXTERNAL_API_DOWN", True, mail(mail="close")),
    Driven(
        "mail: refused",
        "TRANSIENT_NETWORK,EXTERNAL_API_DOWN",
        True,
        lambda: smtplib.SMTP("127.0.0.1", free_port(), timeout=1),
    ),
    Driven(
        "mail: wrong password",
        "CONFIG_INVALID_SETTING,PERMANENT_PERMISSION",
        False,
        mail(login=True, auth="535 5.7.8 Authentication credentials invalid"),
    ),
    Driven(
        "mail: no password",
        "CONFIG_MISSING_SETTING,CONFIG_INVALID_SETTING",
        False,
        mail(mail="530 5.7.0 Authentication Required."),
    ),
    Driven("mail: no login there", "CONFIG_INVALID_SETTING", False, mail(login=True, ehlo="250 here")),
    Driven("mail: no TLS there", "CONFIG_INVALID_SETTING", False, mail(starttls=True)),
    Driven(
        "mail: sender not allowed",
        "CONFIG_INVALID_SETTING,PERMANENT_PERMISSION",
        False,
        mail(mail="553 5.7.1 Sender address rejected: not owned by user shop"),
    ),
    Driven(
        "mail: relaying",
        "CONFIG_INVALID_SETTING,PERMANENT_PERMISSION",
        False,
        mail(rcpt="554 5.7.1 <bob@mail.invalid>: Relay access denied"),
    ),
    Driven(
        "mail: no such recipient",
        "PERMANENT_VALIDATION,PERMANENT_NOT_FOUND",
        False,
        mail(rcpt="550 5.1.1 <bob@mail.invalid>: Recipient address rejected: User unknown"),
    ),
    Driven(
        "mail: mailbox full",
        "EXTERNAL_API_ERROR,TRANSIENT_RATE_LIMIT",
        True,
        mail(rcpt="452 4.2.2 The recipient's mailbox is full"),
    ),
    Driven(
        "mail: greylisted",
        "TRANSIENT_RATE_LIMIT,EXTERNAL_API_ERROR",
        True,
        mail(rcpt="450 4.2.0 Recipient address rejected: Greylisted"),
    ),
    Driven(
        "mail: too large", "PERMANENT_VALIDATION", False, mail(end="552 5.3.4 Message size exceeds limit")
    ),
    Driven(
        "mail: trouble there",
        "EXTERNAL_API_ERROR,EXTERNAL_API_DOWN,TRANSIENT_RATE_LIMIT",
        True,
        mail(end="451 4.3.0 Temporary server error"),
    ),
    Driven(
        "socket refused",
        "TRANSIENT_NETWORK,EXTERNAL_API_DOWN",
        True,
        lambda: socket.create_connection(("127.0.0.1", free_port()), 1),
    ),
    Driven(
        "socket silent",
        "TRANSIENT_NETWORK,EXTERNAL_TIMEOUT",
        True,
        talk(Silent, lambda connection: connection.recv(10)),
    ),
    Driven("socket reset", "TRANSIENT_NETWORK", True, talk(Resetting, read_after_sending)),
    Driven("broken pipe", "TRANSIENT_NETWORK", True, write_to_a_closed_pipe),
    Driven(
        "no such name",
        "TRANSIENT_NETWORK,CONFIG_INVALID_SETTING",
        True,
        lambda: socket.create_connection(("shop.invalid", 80), 1),
    ),
    Driven(
        "address in use", "CONFIG_INVALID_SETTING,TRANSIENT_NETWORK,PERMANENT_LOGIC", False, address_in_use
    ),
    Driven("TLS: the other side closes", "TRANSIENT_NETWORK", True, talk(Closing, shake_hands)),
    Driven("TLS: silent", "TRANSIENT_NETWORK,EXTERNAL_TIMEOUT", True, talk(Silent, shake_hands)),
    Driven(
        "TLS: no such certificate file",
        "CONFIG_INVALID_SETTING",
        False,
        lambda: ssl.create_default_context(cafile="/etc/shop/absent.pem"),
    ),
    Driven(
        "FTP: too many users",
        "TRANSIENT_RATE_LIMIT,EXTERNAL_API_DOWN",
        True,
        ftp(CrowdedFtp),
    ),
    Driven("FTP: closes", "TRANSIENT_NETWORK,EXTERNAL_API_DOWN", True, ftp(ClosedFtp)),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_mail_or_socket_failure_is_understood(case: Driven) -> None:
    check(case)
