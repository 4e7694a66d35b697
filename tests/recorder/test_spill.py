"""One process and one directory: what goes into the spill comes out once, and what cannot go in is said."""

import fcntl
import json
import os
import resource
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from redrive.recorder import FileSpill, SpillFailed
from redrive.recorder import spill as spill_module
from redrive.recorder.spill import Line

MEGABYTE = 1_000_000


class Sink:
    """Where lines go, with its memory of how far each file is applied."""

    def __init__(self) -> None:
        self.payloads: list[Any] = []
        self.offsets: dict[str, int] = {}
        self.forgotten: list[str] = []
        self.chunks: list[int] = []

    def apply(self, name: str, offset: int, lines: list[Line]) -> None:
        self.payloads += [line.payload["n"] for line in lines]
        self.offsets[name] = offset
        self.chunks.append(len(lines))

    def drain(self, spill: FileSpill) -> int:
        return spill.drain(self.apply, lambda name: self.offsets.get(name, 0), self.forgotten.append)


@pytest.fixture
def spill(tmp_path: Path) -> FileSpill:
    return FileSpill(tmp_path / "spill", MEGABYTE)


def files(spill: FileSpill) -> list[str]:
    return sorted(path.name.partition("-")[0] for path in spill.directory.iterdir())


def write_line(spill: FileSpill, name: str, **fields: Any) -> str:
    text = json.dumps({"v": 1, "kind": "ending", "payload": {"n": 0}, **fields})
    with (spill.directory / name).open("a") as handle:
        handle.write(text + "\n")
    return text


def test_what_was_appended_is_drained_once_in_order(spill: FileSpill) -> None:
    sink = Sink()
    for n in range(450):
        spill.append("ending", {"n": n})

    assert (sink.drain(spill), sink.drain(spill)) == (450, 0)

    assert sink.payloads == list(range(450))
    assert sink.chunks == [200, 200, 50]
    assert files(spill) == []
    assert sink.forgotten == list(sink.offsets)


def test_only_this_user_can_read_it(spill: FileSpill) -> None:
    spill.append("ending", {"n": 1})

    assert stat.S_IMODE(spill.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((spill.directory / "spill.jsonl").stat().st_mode) == 0o600


def test_any_value_can_be_appended(spill: FileSpill) -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    seen: list[Any] = []
    spill.append("ending", {"n": [float("nan"), "\x00", "\ud800", {(1, 2): object}, 10**5000, cycle]})

    spill.drain(lambda _name, _offset, lines: seen.extend(lines), lambda _name: 0)

    nan, nul, surrogate, odd, big, _cycle = seen[0].payload["n"]
    assert (nan, nul, surrogate) == ("nan", "\\x00", "\\ud800")
    assert odd == {"(1, 2)": "<class 'object'>"}
    assert big == "<an integer of 16,610 bits>"


def test_a_chunk_is_bounded_in_bytes(spill: FileSpill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill_module, "CHUNK_BYTES", 1_000)
    sink = Sink()
    for n in range(6):
        spill.append("ending", {"n": n, "pad": "x" * 400})

    sink.drain(spill)

    assert sink.chunks == [2, 2, 2]  # a line has some 480 bytes: the second or third reaches 1,000


def test_a_sink_that_fails_keeps_everything_for_the_next_time(spill: FileSpill) -> None:
    sink = Sink()
    spill.append("ending", {"n": 1})

    def fail(*_: object) -> None:
        raise ConnectionError("away")

    for _ in range(3):
        with pytest.raises(ConnectionError):
            spill.drain(fail, lambda _name: 0)
        spill.append("ending", {"n": 2})

    assert files(spill) == ["drain", "spill.jsonl"]
    assert sink.drain(spill) == 4
    assert sink.payloads == [1, 2, 2, 2]


def test_what_was_applied_before_a_drainer_died_is_not_applied_again(spill: FileSpill) -> None:
    sink = Sink()
    for n in range(300):
        spill.append("ending", {"n": n})

    def die_in_the_second_chunk(name: str, offset: int, lines: list[Line]) -> None:
        if sink.payloads:
            raise KeyboardInterrupt
        sink.apply(name, offset, lines)

    with pytest.raises(KeyboardInterrupt):
        spill.drain(die_in_the_second_chunk, lambda name: sink.offsets.get(name, 0))
    sink.drain(spill)

    assert sink.payloads == list(range(300))


def test_a_file_that_was_applied_whole_but_not_removed_is_only_removed(spill: FileSpill) -> None:
    sink = Sink()
    spill.append("ending", {"n": 1})
    with pytest.raises(ConnectionError):
        spill.drain(_away, lambda _name: 0)
    name = next(spill.directory.glob("drain-*")).name
    sink.offsets[name] = (spill.directory / name).stat().st_size

    assert sink.drain(spill) == 0
    assert files(spill) == []


def _away(*_: object) -> None:
    raise ConnectionError("away")


def test_a_torn_last_line_costs_itself_only(spill: FileSpill) -> None:
    sink = Sink()
    spill.append("ending", {"n": 1})
    with (spill.directory / "spill.jsonl").open("a") as handle:
        handle.write('{"v": 1, "kind": "ending", "payl')

    spill.append("ending", {"n": 2})
    sink.drain(spill)

    assert sink.payloads == [1, 2]
    assert (spill.directory / "rejected.jsonl").read_text() == '{"v": 1, "kind": "ending", "payl\n'
    assert spill.state().rejected_lines == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"not json",
        b"[1]",
        b'"text"',
        b'{"v": 1, "kind": "ending"}',
        b'{"v": "one", "kind": "ending", "payload": {}}',
        b'{"v": 1, "kind": "ending", "payload": []}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
    ids=["text", "list", "string", "no payload", "version", "payload", "bytes", "deep"],
)
def test_a_line_that_cannot_be_read_is_set_aside(spill: FileSpill, raw: bytes) -> None:
    sink = Sink()
    spill.append("ending", {"n": 1})
    with (spill.directory / "spill.jsonl").open("ab") as handle:
        handle.write(raw + b"\n")
    spill.append("ending", {"n": 2})

    sink.drain(spill)

    assert sink.payloads == [1, 2]
    assert (spill.directory / "rejected.jsonl").read_bytes().startswith(raw[:1] if raw[0] < 128 else b"\\xff")


@pytest.mark.parametrize("fields", [{"v": 2}, {"kind": "something new"}])
def test_a_line_of_a_newer_release_waits_for_it(
    spill: FileSpill, fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = Sink()
    spill.append("ending", {"n": 1})
    write_line(spill, "spill.jsonl", payload={"n": 2}, **fields)
    spill.append("ending", {"n": 3})

    sink.drain(spill)
    sink.drain(spill)

    assert sink.payloads == [1, 3]
    assert spill.state().newer_lines == 1
    assert spill.state().rejected_lines == 0
    monkeypatch.setattr(spill_module, "LINE_VERSION", 2)
    monkeypatch.setattr(spill_module, "KINDS", ("ending", "something new"))
    newer = FileSpill(spill.directory, MEGABYTE)
    assert sink.drain(newer) == 1
    assert sink.payloads == [1, 3, 2]
    assert files(spill) == []


def test_an_older_release_that_starts_again_leaves_newer_lines_as_they_are(spill: FileSpill) -> None:
    spill.append("ending", {"n": 1})
    line = write_line(spill, "newer.jsonl", v=2)

    for _ in range(3):
        Sink().drain(FileSpill(spill.directory, MEGABYTE))

    assert (spill.directory / "newer.jsonl").read_text() == line + "\n"


def test_a_full_spill_refuses_and_says_so(tmp_path: Path) -> None:
    spill = FileSpill(tmp_path, 300)
    spill.append("ending", {"n": 1, "pad": "x" * 100})

    with pytest.raises(SpillFailed, match=r"spill\.jsonl has its full size of 300 bytes"):
        spill.append("ending", {"n": 2, "pad": "x" * 100})

    sink = Sink()
    sink.drain(spill)
    spill.append("ending", {"n": 3})
    sink.drain(spill)
    assert sink.payloads == [1, 3]


def test_what_waits_to_be_drained_counts_as_well(tmp_path: Path) -> None:
    """In an outage each turn of a keeper would otherwise make room for as much again."""
    spill = FileSpill(tmp_path, 300)
    spill.append("ending", {"n": 1, "pad": "x" * 100})
    with pytest.raises(ConnectionError):
        spill.drain(_away, lambda _name: 0)

    with pytest.raises(SpillFailed, match="full size"):
        spill.append("ending", {"n": 2, "pad": "x" * 100})


def test_a_full_disk_is_said(spill: FileSpill) -> None:
    spill.directory.mkdir(parents=True)
    (spill.directory / "spill.jsonl").symlink_to("/dev/full")

    with pytest.raises(SpillFailed, match="No space left on device"):
        spill.append("ending", {"n": 1})


def test_a_line_that_was_written_in_half_is_taken_back(spill: FileSpill) -> None:
    """The disk takes some bytes of a line and then no more."""
    spill.append("ending", {"n": 1})
    size = (spill.directory / "spill.jsonl").stat().st_size
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, size + 50))
        try:
            spill.append("ending", {"n": 2, "pad": "x" * 500})
        except SpillFailed as exc:
            os._exit(0 if "File too large" in str(exc) else 2)
        os._exit(1)
    _, status = os.waitpid(pid, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert (spill.directory / "spill.jsonl").stat().st_size == size


@pytest.mark.parametrize("place", ["/proc/redrive", "/dev/null/redrive"])
def test_a_directory_that_cannot_be_made_is_said(place: str) -> None:
    with pytest.raises(SpillFailed):
        FileSpill(Path(place), MEGABYTE).append("ending", {"n": 1})


def test_a_line_that_cannot_be_set_aside_stops_the_draining_and_is_kept(spill: FileSpill) -> None:
    sink = Sink()
    spill.append("ending", {"n": 1})
    with (spill.directory / "spill.jsonl").open("a") as handle:
        handle.write("nonsense\n")
    (spill.directory / "rejected.jsonl").symlink_to("/dev/full")

    with pytest.raises(SpillFailed, match="No space"):
        sink.drain(spill)

    (spill.directory / "rejected.jsonl").unlink()
    sink.drain(spill)
    assert sink.payloads == [1]
    assert (spill.directory / "rejected.jsonl").read_text() == "nonsense\n"


def test_the_state_of_a_spill_nobody_used_is_empty(spill: FileSpill) -> None:
    state = spill.state()

    assert (state.waiting_bytes, state.waiting_lines, state.rejected_lines, state.newer_lines) == (0, 0, 0, 0)
    assert Sink().drain(spill) == 0
    assert not spill.directory.exists()


def test_the_state_counts_what_waits(spill: FileSpill) -> None:
    for n in range(3):
        spill.append("ending", {"n": n})
    with pytest.raises(ConnectionError):
        spill.drain(_away, lambda _name: 0)
    spill.append("ending", {"n": 3})

    state = spill.state()

    assert state.waiting_lines == 4
    assert state.waiting_bytes == sum(path.stat().st_size for path in spill.directory.iterdir())


def locked(path: Path) -> int:
    """A handle that holds a file's lock, as a process does that was stopped in the middle of a line."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def test_a_lock_that_is_not_given_back_is_waited_for_a_moment_only(
    spill: FileSpill, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = Sink()
    spill.append("ending", {"n": 1})
    handle = locked(spill.directory / "spill.jsonl")
    slept: list[float] = []
    now = iter(n * 0.1 for n in range(1000))
    clock = SimpleNamespace(monotonic=lambda: next(now), sleep=slept.append)
    monkeypatch.setattr("redrive.recorder.spill.time", clock)

    spill.append("ending", {"n": 2})
    first = len(slept)
    spill.append("ending", {"n": 3})

    assert first > 0
    assert len(slept) == first, "the file that was locked a moment ago is not waited for again"
    assert files(spill) == ["spill", "spill.jsonl"]
    assert spill.state().waiting_lines == 3
    assert sink.drain(spill) == 2
    os.close(handle)
    assert sink.drain(spill) == 1
    assert sink.payloads == [2, 3, 1]
    assert files(spill) == []


def test_the_lines_of_a_process_that_is_gone_are_drained_by_any_other(spill: FileSpill) -> None:
    sink = Sink()
    spill.append("ending", {"n": 1})
    write_line(spill, "spill-4194304999.jsonl", payload={"n": 2})

    sink.drain(FileSpill(spill.directory, MEGABYTE))

    assert sink.payloads == [1, 2]
    assert files(spill) == []


def test_lines_in_files_of_their_own_count_towards_the_size(tmp_path: Path) -> None:
    spill = FileSpill(tmp_path, 300)
    spill.append("ending", {"n": 1, "pad": "x" * 100})
    (tmp_path / "spill.jsonl").rename(tmp_path / "spill-1.jsonl")

    with pytest.raises(SpillFailed, match="full size"):
        spill.append("ending", {"n": 2, "pad": "x" * 100})


def test_without_any_lock_to_be_had_it_is_said(spill: FileSpill) -> None:
    spill.append("ending", {"n": 1})
    handles = [locked(spill.directory / name) for name in ("spill.jsonl", f"spill-{os.getpid()}.jsonl")]

    with pytest.raises(SpillFailed, match="locked by another process"):
        spill.append("ending", {"n": 2})

    for handle in handles:
        os.close(handle)


def test_counters_leave_three_quarters_to_endings(tmp_path: Path) -> None:
    spill = FileSpill(tmp_path, 1_000)
    spill.append("counters", {"rows": "x" * 100})

    with pytest.raises(SpillFailed, match="full size of 250 bytes"):
        spill.append("counters", {"rows": "x" * 100})

    for _ in range(3):
        spill.append("ending", {"n": "x" * 100})


def test_a_directory_that_others_may_have_written_to_is_neither_written_nor_drained(tmp_path: Path) -> None:
    directory = tmp_path / "redrive" / "shop"
    spill, sink = FileSpill(directory, MEGABYTE, own=True), Sink()
    directory.mkdir(parents=True)
    directory.parent.chmod(0o700)
    write_line(spill, "spill.jsonl", payload={"n": "planted"})
    directory.chmod(0o770)

    with pytest.raises(SpillFailed, match=r"can be written by other users\. Type: chmod go-w"):
        spill.append("ending", {"n": 1})
    with pytest.raises(SpillFailed, match="can be written by other users"):
        sink.drain(spill)

    assert sink.payloads == []
    directory.chmod(0o700)
    spill.append("ending", {"n": 1})
    assert spill.problem() == ""


def test_a_configured_directory_may_be_a_groups_but_not_everybodys(tmp_path: Path) -> None:
    (tmp_path / "spill").mkdir()
    (tmp_path / "spill").chmod(0o777)
    spill = FileSpill(tmp_path / "spill", MEGABYTE)

    with pytest.raises(SpillFailed, match=r"can be written by everybody\. Type: chmod o-w"):
        spill.append("ending", {"n": 1})

    (tmp_path / "spill").chmod(0o770)
    spill.append("ending", {"n": 1})


def test_lines_that_were_set_aside_are_tried_again_under_a_name_of_the_spill(spill: FileSpill) -> None:
    """What the operators' guide says to type: ``mv rejected.jsonl spill-again.jsonl``."""
    sink = Sink()
    spill.append("ending", {"n": 1})
    write_line(spill, "rejected.jsonl", payload={"n": 2})

    (spill.directory / "rejected.jsonl").rename(spill.directory / "spill-again.jsonl")
    sink.drain(spill)

    assert sink.payloads == [1, 2]
