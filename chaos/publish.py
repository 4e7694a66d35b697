"""Publish a plan as a host would, evenly over a time, and again with the same ids until the broker has it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from celery import Celery, chain, chord

from chaos.kinds import Message, Sending

PAUSE_SECONDS = 0.3


class Publishing(threading.Thread):
    """Sends everything over ``seconds``; :attr:`tries` counts what had to be sent again."""

    def __init__(self, sendings: Sequence[Sending], *, broker: str, results: str, seconds: float) -> None:
        super().__init__(daemon=True)
        self._sendings = sendings
        self._seconds = seconds
        self._broker, self._results = broker, results
        self._app = self._make_app()
        self.sent = 0
        self.repeated = 0
        self._stop_now = threading.Event()

    def run(self) -> None:
        began = time.monotonic()
        for number, sending in enumerate(self._sendings):
            due = began + self._seconds * number / len(self._sendings)
            if self._stop_now.wait(max(0.0, due - time.monotonic())):
                return
            while not self._try(sending):
                self.repeated += 1
                if self._stop_now.wait(PAUSE_SECONDS):
                    return
            self.sent += len(sending.messages)
        self._app.close()

    def _make_app(self) -> Celery:
        app = Celery("chaos", broker=self._broker, backend=self._results, set_as_current=False)
        # A confirmation, or a killed broker may never have had the message.
        confirm = self._broker.startswith("amqp")
        app.conf.broker_transport_options = {"confirm_publish": True} if confirm else {}
        app.conf.broker_connection_timeout = 2
        return app

    def give_up(self) -> None:
        """Stop before everything is sent."""
        self._stop_now.set()

    def _try(self, sending: Sending) -> bool:
        try:
            self._publish(sending)
        except Exception:  # whatever a broker or a store that is being killed raises
            self._app = self._make_app()  # pools that met a killed server do not always recover
            return False
        return True

    def _publish(self, sending: Sending) -> None:
        if sending.form == "single":
            (message,) = sending.messages
            self._app.send_task(
                f"shop.chaos.{message.task}", kwargs=message.arguments, task_id=message.task_id, retry=False
            )
            return
        *first, last = [self._signature(message) for message in sending.messages]
        if sending.form == "chord":
            chord(first, last, app=self._app).apply_async(retry=False)
        else:
            chain(*first, last, app=self._app).apply_async(retry=False)

    def _signature(self, message: Message) -> Any:
        return self._app.signature(
            f"shop.chaos.{message.task}", kwargs=message.arguments, task_id=message.task_id, app=self._app
        )
