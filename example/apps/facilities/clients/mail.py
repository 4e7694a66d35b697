"""Mail by SMTP."""

import smtplib
from email.message import EmailMessage

from django.conf import settings


def send(recipient: str, subject: str, body: str) -> None:
    """Hand one message to the mail server.

    Raises:
        smtplib.SMTPException: for every refusal, temporary (4xx) and permanent (5xx) alike.
        OSError: when the server cannot be reached.
    """
    message = EmailMessage()
    message["From"] = settings.MAIL_SENDER
    message["To"] = recipient
    message["Subject"] = subject
    message.set_content(body)
    with smtplib.SMTP(settings.MAIL_HOST, settings.MAIL_PORT, timeout=5) as server:
        server.send_message(message)
