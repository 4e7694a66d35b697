"""Acts on many records: each on its own, each with its reason."""

from redrive.dead_letters import DeadLetters, Route


class Remembering:
    """A store that refuses what it is told to refuse."""

    def __init__(self, refused: dict[int, str]) -> None:
        self.refused = refused
        self.acts: list[tuple[int, str, str, str, Route | None]] = []

    def act(
        self,
        record_id: int,
        act: str,
        *,
        actor: str,
        reason: str,
        decision: str,
        route: Route | None,
        errbacks: bool,
    ) -> str:
        self.acts.append((record_id, act, actor, decision, route))
        return self.refused.get(record_id, "")


def test_each_record_is_acted_on_in_order_and_refusals_are_told_apart() -> None:
    store = Remembering({2: "It is resolved already."})

    acted = DeadLetters(store).retry([3, 2, 1], actor="ann", reason="fixed")

    assert (acted.done, acted.refused) == ([3, 1], {2: "It is resolved already."})
    assert [act[:4] for act in store.acts] == [
        (number, "retry", "ann", "Redriven by ann. fixed") for number in (3, 2, 1)
    ]


def test_the_decision_says_who_why_and_with_which_priority() -> None:
    store = Remembering({})
    route = Route(label="HIGH", queue="fast")

    DeadLetters(store).retry([1], actor="ann", route=route)
    DeadLetters(store).abandon([1], actor="bob", reason="old")
    DeadLetters(store).abandon([1], actor="bob")

    assert [(act[3], act[4]) for act in store.acts] == [
        ("Redriven by ann, HIGH priority.", route),
        ("Abandoned by bob. old", None),
        ("Abandoned by bob.", None),
    ]


def test_nothing_to_do_is_done() -> None:
    acted = DeadLetters(Remembering({})).retry([], actor="ann")

    assert (acted.done, acted.refused) == ([], {})
