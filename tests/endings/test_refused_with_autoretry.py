"""What is raised instead of a body is final, also where Celery's autoretry wants every exception."""

import pytest
from celery import Celery

from redrive.celery import RedriveTask, wrapper
from redrive.idempotency import DuplicateCall


def body() -> None:
    """Never runs."""


@pytest.mark.parametrize("refusal", [wrapper.PoisonMessage("poison"), DuplicateCall("done already")])
def test_autoretry_does_not_take_it(refusal: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    app = Celery("shop", task_cls=RedriveTask, set_as_current=False)
    task = app.task(name="shop.pay", autoretry_for=(Exception,), max_retries=None, shared=False)(body)

    def refuse(_: object) -> None:
        raise refusal

    monkeypatch.setattr(wrapper, "mode_for", lambda _: "on")
    monkeypatch.setattr(wrapper, "_refuse_poison", refuse)
    monkeypatch.setattr(wrapper, "_after_failure", lambda *_: None)
    task.push_request(id="t1", called_directly=False, is_eager=False, retries=0, delivery_info={})
    try:
        with pytest.raises(type(refusal)) as raised:
            task.run()
    finally:
        task.pop_request()

    assert raised.value is refusal
