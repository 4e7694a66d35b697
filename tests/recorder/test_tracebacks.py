"""One full traceback per fingerprint and minute; the others say where the failure was, and that they are short."""

from dataclasses import replace
from datetime import timedelta

from redrive.dead_letters import Ending
from redrive.recorder import FileSpill, Recorder
from redrive.recorder.tracebacks import MOST_REMEMBERED, SHORT, TracebackLimit, shortened
from redrive.stores.sql.connection import Database
from tests.stores.endings import failure

FRAMES = "".join(f'  File "/app/shop/step{n}.py", line {n}, in step\n    step({n})\n' for n in range(60))
LONG = f"Traceback (most recent call last):\n{FRAMES}ValueError: no"


def failed(number: int = 1, *, fingerprint: str = "1:abc", after: float = 0.0) -> Ending:
    ending = failure(task_id=f"t{number}")
    moment = ending.ended_at + timedelta(seconds=after)
    return replace(ending, fingerprint=fingerprint, traceback=LONG, ended_at=moment)


def test_the_first_of_a_minute_is_whole_and_the_next_is_short() -> None:
    limit = TracebackLimit()

    texts = [limit.apply(failed(after=after)).traceback for after in (0, 0.001, 59.999, 60, 60.001)]

    assert [text == LONG for text in texts] == [True, False, False, True, False]
    assert max(map(len, texts[1:3])) <= SHORT


def test_another_fingerprint_has_a_minute_of_its_own() -> None:
    limit = TracebackLimit()
    limit.apply(failed())

    assert limit.apply(failed(fingerprint="1:other")).traceback == LONG


def test_without_a_fingerprint_or_when_it_is_short_anyway_nothing_is_cut() -> None:
    limit = TracebackLimit()

    assert [limit.apply(failed(fingerprint="")).traceback for _ in range(2)] == [LONG, LONG]
    brief = replace(failed(), traceback="ValueError: no")
    assert [limit.apply(brief).traceback for _ in range(2)] == ["ValueError: no"] * 2


def test_a_clock_that_was_set_back_shortens_nothing_for_an_hour() -> None:
    limit = TracebackLimit()
    limit.apply(failed(after=3600))

    assert limit.apply(failed(after=0)).traceback == LONG


def test_what_is_remembered_is_bounded() -> None:
    limit = TracebackLimit()
    for number in range(3 * MOST_REMEMBERED):
        limit.apply(failed(fingerprint=f"1:{number}"))

    assert len(limit._last) <= MOST_REMEMBERED


def test_a_short_traceback_keeps_the_last_frames_and_the_exception() -> None:
    text = shortened(LONG, "1:abc")

    note, first, *_, last = text.splitlines()
    assert "1:abc" in note
    assert first.startswith('  File "/app/shop/step')
    assert last == "ValueError: no"
    assert "/app/shop/step59.py" in text


def test_a_storm_is_stored_compactly(recorder: Recorder, database: Database, spill: FileSpill) -> None:
    for number in range(50):
        recorder.record(failed(number, after=number / 100))

    statement = "SELECT length(traceback) FROM redrive_failureattempt ORDER BY id"
    lengths = [row[0] for row in database.run(lambda cursor: cursor.all(statement))]
    assert lengths[0] == len(LONG)
    assert len(lengths) == 50
    assert max(lengths[1:]) <= SHORT
    assert spill.state().waiting_lines == 0
