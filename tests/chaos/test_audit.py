"""What the table of `make chaos` calls lost, dead, waiting and completed twice."""

import random
from collections import Counter

from chaos.audit import DEAD, LOST, STOPPED, SUCCEEDED, WAITING, Audit, Row, audit
from chaos.kinds import KINDS, Message, plan

LATE, ONCE, EARLY = KINDS[0], KINDS[6], KINDS[10]


def message(kind: object = LATE, number: int = 1, *, needs: tuple[str, ...] = ()) -> Message:
    return Message(kind, "late", f"id{number}", f"label {number}", needs)  # type: ignore[arg-type]  # a Kind


def event(name: str, number: int = 1, *, pid: int = 1, label: int = 1) -> dict[str, object]:
    return {
        "event": name, "label": f"label {label}", "task_id": f"id{number}", "retries": 0, "pid": pid, "at": 1.0,
    }  # fmt: skip


def ends(judged: Audit) -> Counter[str]:
    return sum((line.ends for line in judged.lines), Counter())


def test_a_message_without_success_and_without_record_is_lost() -> None:
    judged = audit([message()], [event("begin"), event("done")], {})

    assert ends(judged) == {LOST: 1}
    assert len(judged.faults) == 1


def test_an_early_acknowledged_one_may_be_lost_and_is_counted() -> None:
    judged = audit([message(EARLY)], [], {})

    assert (ends(judged), judged.faults) == ({LOST: 1}, [])


def test_a_record_says_more_than_a_success_that_came_before_it() -> None:
    events = [event("success")]

    for status, end in (("PENDING", DEAD), ("RETRYING", WAITING), ("RESOLVED", SUCCEEDED)):
        assert ends(audit([message()], events, {"id1": Row(status, 1)})) == {end: 1}


def test_what_a_dead_member_kept_from_being_sent_is_not_lost() -> None:
    messages = [message(), message(number=2, needs=("id1",))]

    assert ends(audit(messages, [], {"id1": Row("PENDING", 1)})) == {DEAD: 1, STOPPED: 1}
    assert ends(audit(messages, [event("success")], {})) == {SUCCEEDED: 1, LOST: 1}


def test_two_completed_runs_of_one_call_are_a_fault() -> None:
    messages = [message(ONCE, 1), Message(ONCE, "idempotent", "id2", "label 1")]
    first, second = [event("done"), event("success")], [event("done", 2), event("success", 2)]

    assert len(audit(messages, first + second, {}).faults) == 1
    assert audit(messages, [*first, event("replayed", 2)], {}).faults == []


def test_a_run_cut_after_its_last_line_is_counted_apart() -> None:
    events = [event("done", pid=1), event("begin", pid=2), event("done", pid=2), event("success", pid=2)]

    judged = audit([message(ONCE)], events, {})

    (line,) = [line for line in judged.lines if line.kind is ONCE]
    assert (dict(line.completed), line.cut, judged.faults) == ({1: 1}, 1, [])


def test_a_plan_is_the_same_for_the_same_seed_and_has_every_kind() -> None:
    one, two = (plan(1000, random.Random(7)) for _ in range(2))

    assert one == two
    assert {m.kind for sending in one for m in sending.messages} == set(KINDS)
    assert 950 < sum(len(sending.messages) for sending in one) < 1050
