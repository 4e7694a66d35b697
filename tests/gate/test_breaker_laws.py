"""Laws of the breaker under any order of calls, results, kills and time."""

from datetime import timedelta

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from redrive.gate import Gate, GateSettings, Hold, Outcome, Run
from redrive.testing import FakeClock, MemoryLeaseStore

THRESHOLD, CAP = 3, 100.0


class BreakerMachine(RuleBasedStateMachine):
    @initialize(drops_expired=st.booleans())
    def start(self, drops_expired: bool) -> None:
        self.clock = FakeClock()
        self.gate = Gate(MemoryLeaseStore(self.clock, drops_expired=drops_expired), GateSettings())
        self.running: list[Run] = []
        self.probe_since: float | None = None
        self.calls = 0

    @rule()
    def call(self) -> None:
        self.calls += 1
        answer = self.gate.admit("t", "d", f"run-{self.calls}")
        if isinstance(answer, Hold):
            wait = (answer.until - self.clock.now()).total_seconds()
            assert 0 < wait <= CAP + 15, "nobody waits longer than the timeout and its spread"
            return
        if answer.probe:
            if self.probe_since is not None:
                assert self.clock.monotonic() - self.probe_since >= 120, (
                    "a second probe only when the first is over"
                )
            self.probe_since = self.clock.monotonic()
        else:
            assert self.state() in {"closed", "ramp"}, (
                "only a probe passes a breaker that is open or half-open"
            )
        self.running.append(answer)

    @rule(data=st.data(), outcome=st.sampled_from(["ok", "down", "own fault"]))
    def end(self, data: st.DataObject, outcome: str) -> None:
        if not self.running:
            return
        run = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        before = self.state()
        results = {
            "ok": Outcome.success(),
            "down": Outcome.failure("EXTERNAL_TIMEOUT", threshold=THRESHOLD, open_seconds=CAP),
            "own fault": Outcome.failure("PERMANENT_LOGIC", threshold=0, open_seconds=0),
        }
        reported = self.gate.report("t", "d", run, results[outcome])
        if before == "open":
            assert not reported.counted, "late results change nothing"
        if reported.counted and run.probe:
            self.probe_since = None
            expected = {"ok": "ramp", "down": "open", "own fault": "open"}
            assert self.state() == expected[outcome]
        if reported.transition is not None:
            assert reported.transition.before.value == before
            assert reported.transition.after.value == self.state()

    @rule()
    def kill_one(self) -> None:
        if self.running:
            self.running.pop()

    @rule(seconds=st.sampled_from([0.5, 5, 30, 61, 121]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    @rule()
    def never_stuck(self) -> None:
        """Whatever happened, within the longest wait and a probe's lease somebody may go."""
        self.clock.advance(seconds=CAP + 121)
        answer = self.gate.admit("t", "d", "later")
        assert isinstance(answer, Run)
        if answer.probe:
            self.probe_since = self.clock.monotonic()
        self.running.append(answer)

    @invariant()
    def state_is_known(self) -> None:
        if hasattr(self, "gate"):
            assert self.state() in {"closed", "open", "half_open", "ramp"}

    def state(self) -> str:
        return next((one.state.value for one in self.gate.states().breakers), "closed")


BreakerMachine.TestCase.settings = hypothesis_settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBreakerMachine = BreakerMachine.TestCase
