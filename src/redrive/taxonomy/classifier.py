"""From facts to a classification: weigh what every rule found along the chain, and say why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from redrive.taxonomy.calibration import confidence_of
from redrive.taxonomy.downstream import Downstream
from redrive.taxonomy.extract import extract
from redrive.taxonomy.facts import ExceptionFacts, text_of
from redrive.taxonomy.fingerprint import fingerprint
from redrive.taxonomy.project import ProjectRule
from redrive.taxonomy.reading import Reading, read
from redrive.taxonomy.remediation import REMEDIES
from redrive.taxonomy.retry_after import server_wait_seconds
from redrive.taxonomy.rulebook import Hit, RuleBook
from redrive.taxonomy.rules import ALL
from redrive.taxonomy.rules.business import is_of_people
from redrive.taxonomy.rules.rule import CodeRule, NameRule, Rule
from redrive.taxonomy.secrets import mask
from redrive.taxonomy.types import Classification, Evidence, FailureType, Scalar
from redrive.taxonomy.verdict import Candidate, assemble, context_evidence, unreadable

F = FailureType


@lru_cache(maxsize=1)
def _built_in() -> RuleBook:
    """The built-in rules with their index, made once per process: that takes a tenth of a second."""
    return RuleBook(ALL)


class Classifier:
    """Classifies exceptions by rules. Immutable after construction, safe to share between threads.

    Args:
        project_rules: Tried first: one that fires decides, whatever the built-in rules say.
        more_rules: Gives further project rules, asked at every classification: those that decorators add later.
        corrections: Gives what operators said of a fingerprint (``{"1:ab..": FailureType...}``), asked at every
            classification. A correction decides, whatever any rule says.
        downstreams: Services by name, saying which are our own. Chosen by ``task_context["downstream"]`` or by
            a host name in the message.
        now: Gives the aware time of a failure; only needed to read a Retry-After date from a server
            that sent no ``Date``.
        rules: The rules; the built-in ones by default.
    """

    def __init__(
        self,
        project_rules: Sequence[Rule] = (),
        more_rules: Callable[[], Sequence[ProjectRule]] = tuple,
        corrections: Callable[[], Mapping[str, FailureType]] = dict,
        downstreams: Mapping[str, Downstream] | None = None,
        now: Callable[[], datetime] | None = None,
        rules: Iterable[Rule] = ALL,
    ) -> None:
        built = [rule for rule in project_rules if not isinstance(rule, ProjectRule)]
        self._project = RuleBook(built) if built else None
        self._project_rules = tuple(rule for rule in project_rules if isinstance(rule, ProjectRule))
        self._more_rules = more_rules
        self._corrections = corrections
        self._book = _built_in() if rules is ALL else RuleBook(rules)
        self._downstreams = dict(downstreams or {})
        self._now = now

    def classify(
        self, exception: BaseException, task_context: Mapping[str, Any] | None = None
    ) -> Classification:
        """What ``exception`` means. Never raises.

        Args:
            exception: Any exception, however broken.
            task_context: ``task_name``, ``retry_count``, ``seconds_since_publish``, ``downstream``,
                ``oom_confirmed`` (the kernel or the cgroup says memory ran out), and whatever else the caller knows.
        """
        return self.classify_facts(extract(exception), task_context)

    def classify_facts(
        self, facts: ExceptionFacts, task_context: Mapping[str, Any] | None = None
    ) -> Classification:
        """The same for an exception that was read before. Never raises."""
        context = _scalars(task_context)
        try:
            return self._decide(facts, context)
        except Exception as problem:
            return unreadable(facts, context, type(problem).__name__)

    def _decide(self, facts: ExceptionFacts, context: Mapping[str, Scalar]) -> Classification:
        candidates = [*self._correction(facts, context), *self._candidates(facts, context)]
        if not candidates:
            return assemble(facts, context, None, [], F.UNKNOWN, 0.3, None, self._wait(facts))
        candidates.sort(key=lambda item: (-item.score, item.depth))
        best = candidates[0]
        says, retry, score = best.hit.rule.says, best.hit.rule.retry, best.score
        extra: list[Evidence] = []
        if score <= 1.0:  # what the project or an operator said is not for us to turn
            says, score, extra = _by_context(facts, context, says, score)
            says, owner = self._by_ownership(facts, context, says)
            extra = [*extra, *owner]
        if says is F.PERMANENT_NOT_FOUND and _just_published(facts, context):
            retry = True
            extra.append(context_evidence("context.just_published", "seconds_since_publish", says))
        confidence = confidence_of(score, says)
        return assemble(facts, context, best, candidates, says, confidence, retry, self._wait(facts), extra)

    def _wait(self, facts: ExceptionFacts) -> tuple[float, str] | None:
        return server_wait_seconds(facts, self._now() if self._now is not None else None)

    def _correction(self, facts: ExceptionFacts, context: Mapping[str, Scalar]) -> list[Candidate]:
        """What an operator said of this very failure, if anybody has said anything."""
        corrections = self._corrections()
        if not corrections:
            return []
        name = fingerprint(facts, str(context.get("task_name") or ""))
        says = corrections.get(name)
        if says is None:
            return []
        rule = Rule(id="correction", says=says, trust=1.0, source="what an operator said of this group")
        return [Candidate(Hit(rule, f"fingerprint {name}"), 1.0 + rule.trust, "exception", 0)]

    def _candidates(self, facts: ExceptionFacts, context: Mapping[str, Scalar]) -> list[Candidate]:
        """What every rule found on every exception of the chain, weighed by how directly it is connected."""
        found: list[Candidate] = []
        best = head = 0.0
        reach = 1.0
        head_says_nothing = True
        own = (*self._project_rules, *self._more_rules())
        for depth, link in enumerate(facts.links()):
            if depth:
                reach = _reach(link.via, depth, head_says_nothing)
                if best >= reach and not own:
                    continue
            reading = read(link)
            where = f"{link.via or 'exception'} {depth}" if depth else "exception"
            if self._project is not None:
                for hit in self._project.hits(reading):
                    found.append(Candidate(hit, 1.0 + hit.rule.trust * reach, where, depth))
            for rule in own:
                what = rule.found(reading, context)
                if what is not None:
                    found.append(Candidate(Hit(rule, what), 1.0 + rule.trust * reach, where, depth))
            if depth and head >= 0.8 and _is_symptom(link):
                reach = min(reach, 0.8)
            for hit in self._book.hits(reading):
                score = _weigh(hit, reading) * reach
                if hit.rule.says is F.UNKNOWN and (depth or _others_say_more(facts)):
                    # "Says nothing" is an answer only where nobody else in the chain has a better one.
                    score = min(score, _NOTHING_BESIDE_OTHERS)
                found.append(Candidate(hit, score, where, depth))
                best = max(best, score)
            if depth == 0:
                head = best
                head_says_nothing = best < 0.6
        return found

    def _by_ownership(
        self, facts: ExceptionFacts, context: Mapping[str, Scalar], says: FailureType
    ) -> tuple[FailureType, list[Evidence]]:
        """Whether the service is ours or a third party's decides between EXTERNAL and TRANSIENT."""
        if not self._downstreams or (says not in _IF_OWN and says not in _IF_THIRD_PARTY):
            return says, []
        name = context.get("downstream")
        chosen = self._downstreams.get(name) if isinstance(name, str) else None
        if chosen is None:
            text = facts.message.lower()
            for key, downstream in self._downstreams.items():
                if any(host in text for host in downstream.hosts):
                    name, chosen = key, downstream
                    break
        if chosen is None:
            return says, []
        turned = (_IF_OWN if chosen.own else _IF_THIRD_PARTY).get(says, says)
        if turned is says:
            return says, []
        return turned, [
            context_evidence(
                "context.downstream", f"{name} is {'ours' if chosen.own else 'a third party'}", turned
            )
        ]


_IF_OWN = {F.EXTERNAL_API_DOWN: F.TRANSIENT_NETWORK, F.EXTERNAL_TIMEOUT: F.TRANSIENT_NETWORK}
_IF_THIRD_PARTY = {F.TRANSIENT_DATABASE: F.EXTERNAL_API_DOWN}


def _reach(via: str, depth: int, head_says_nothing: bool) -> float:
    """How much a finding on another exception of the chain counts.

    An exception raised *from* another stands for it. One raised while handling another may have nothing to do
    with it, unless it says nothing itself.
    """
    if via == "context":
        return (0.96 if head_says_nothing else 0.7) - 0.01 * min(depth, 5)
    return 0.99 - 0.005 * min(depth, 8)


_SYMPTOMS = frozenset(
    {
        "builtins.ValueError", "builtins.KeyError", "builtins.TypeError", "builtins.AttributeError",
        "builtins.IndexError", "builtins.LookupError", "builtins.UnicodeDecodeError", "json.decoder.JSONDecodeError",
        "binascii.Error",
    }
)  # fmt: skip


def _is_symptom(link: ExceptionFacts) -> bool:
    """A general exception below a specific one: the specific one was raised because it knows better."""
    return f"{link.exc_module}.{link.exc_qualname}" in _SYMPTOMS


_NOTHING_BESIDE_OTHERS = 0.45


def _others_say_more(facts: ExceptionFacts) -> bool:
    """Whether something led here: a cause, or what was being handled when retries ran out (Celery states no cause)."""
    if facts.exc_qualname == "MaxRetriesExceededError":
        return bool(facts.chain)
    return any(link.via == "cause" for link in facts.chain)


def _weigh(hit: Hit, reading: Reading) -> float:
    rule, found, discount = hit
    trust = rule.trust - discount
    if isinstance(rule, CodeRule):
        # Our own data server is unreachable: the class, which knows that it is ours, decides.
        ours = rule.space == "errno" and reading.family in ("database", "store")
        return min(trust, 0.7) if ours else trust
    if not isinstance(rule, NameRule):
        return trust
    if reading.status and trust < 0.9:
        # The server's own status knows better than a word in the name, save the names of limits.
        return min(trust, 0.8)
    if not reading.family and REMEDIES[rule.says].retry and is_of_people(found, reading.text):
        return min(trust, 0.55)
    return trust


def _just_published(facts: ExceptionFacts, context: Mapping[str, Scalar]) -> bool:
    seconds, retries = context.get("seconds_since_publish"), context.get("retry_count") or 0
    fresh = isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and 0 <= seconds < 1
    is_row = any(
        name.endswith((".DoesNotExist", ".ObjectDoesNotExist", ".Http404", ".NoResultFound"))
        for name in facts.mro
    )
    return fresh and retries == 0 and is_row


def _by_context(
    facts: ExceptionFacts, context: Mapping[str, Scalar], says: FailureType, score: float
) -> tuple[FailureType, float, list[Evidence]]:
    """Corrections that only the caller's knowledge allows."""
    lost = facts.exc_qualname in ("WorkerLostError", "AbandonedJobError")
    if lost and context.get("oom_confirmed"):
        return (
            F.SYSTEM_OUT_OF_MEMORY,
            0.98,
            [context_evidence("context.oom_confirmed", "oom_confirmed", F.SYSTEM_OUT_OF_MEMORY)],
        )
    if lost and says is F.SYSTEM_OUT_OF_MEMORY:
        return (
            says,
            min(score, 0.55),
            [],
        )  # signal 9 has many senders; only kernel or cgroup can confirm memory
    if lost and says is F.UNKNOWN:
        return F.SYSTEM_WORKER_LOST, score, []
    if facts.exc_qualname == "ModuleNotFoundError" and says is F.CONFIG_MISSING_SERVICE:
        missing, task = facts.attrs.get("name"), context.get("task_name")
        if (
            isinstance(missing, str)
            and isinstance(task, str)
            and missing.partition(".")[0] == task.partition(".")[0]
        ):
            found = [context_evidence("context.own_package", missing, F.PERMANENT_LOGIC)]
            return F.PERMANENT_LOGIC, 0.88, found
    place = context.get("tb_module")
    if place == "os" and facts.exc_qualname == "KeyError":
        return (
            F.CONFIG_MISSING_SETTING,
            0.95,
            [context_evidence("context.raised_in_os", "os.environ", F.CONFIG_MISSING_SETTING)],
        )
    return says, score, []


def _scalars(task_context: Mapping[str, Any] | None) -> dict[str, Scalar]:
    kept: dict[str, Scalar] = {}
    try:
        for key, value in list((task_context or {}).items())[:60]:
            if isinstance(key, str) and (value is None or isinstance(value, (str, int, float, bool))):
                kept[text_of(key)[:100]] = _masked(text_of(value)[:500]) if isinstance(value, str) else value
    except Exception:
        return kept
    return kept


@lru_cache(maxsize=256)
def _masked(value: str) -> str:
    """Remembered: names of tasks, queues and hosts come with every failure."""
    return mask(value)
