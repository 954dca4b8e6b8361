import random
from collections import Counter

import pytest

from modelgate.core.records import Credential, Upstream
from modelgate.routing.health import Health
from modelgate.routing.plan import MAX_CANDIDATES, plan_candidates, soonest_retry_s
from modelgate.routing.table import Route


def route(name: str, *, priority: int = 0, weight: int = 1, credentials: int = 1, max_concurrent: int = 0) -> Route:
    secrets = tuple(Credential(id=f"{name}-{i}", secret="s") for i in range(credentials))
    upstream = Upstream(
        id=name,
        name=name,
        provider="openai",
        base_url="http://x",
        book="live",
        priority=priority,
        weight=weight,
        credentials=secrets,
        max_concurrent=max_concurrent,
    )
    return Route(upstream, "m", secrets)


def names(routes: list[Route], health: Health | None = None, now: float = 0.0) -> list[str]:
    return [c.credential.id for c in plan_candidates(routes, model="m", health=health or Health(), now=now, chance=random.Random(1))]


def test_higher_priority_goes_first_whatever_the_weights() -> None:
    assert names([route("low", weight=1000), route("high", priority=1)]) == ["high-0", "low-0"]


def test_weights_share_the_first_place_in_proportion() -> None:
    chance = random.Random(7)
    first = Counter(
        plan_candidates([route("a", weight=3), route("b", weight=1)], model="m", health=Health(), now=0, chance=chance)[0].upstream.id
        for _ in range(4000)
    )
    assert 0.70 < first["a"] / 4000 < 0.80


def test_several_keys_share_their_upstreams_weight() -> None:
    chance = random.Random(7)
    first = Counter(
        plan_candidates([route("a", credentials=4), route("b")], model="m", health=Health(), now=0, chance=chance)[0].upstream.id
        for _ in range(4000)
    )
    assert 0.45 < first["a"] / 4000 < 0.55


def test_a_cooling_place_goes_last_and_is_still_tried_when_nothing_else_is_left() -> None:
    health = Health()
    for _ in range(5):
        health.note_failure(("a", "a-0", "m"), 0.0)
    assert names([route("a", priority=9), route("b")], health) == ["b-0", "a-0"]


@pytest.mark.parametrize("more", [[], [route("b")]])
def test_a_retry_after_is_honoured_also_when_nobody_else_is_there(more: list[Route]) -> None:
    health = Health()
    health.note_failure(("a", "a-0", "m"), 0.0, retry_after_s=30)
    assert names([route("a"), *more], health) == [c for r in more for c in ("b-0",)]
    assert soonest_retry_s([route("a"), *more], model="m", health=health, now=10.0) == 20.0
    assert names([route("a")], health, now=31.0) == ["a-0"]


def test_an_upstream_at_its_bound_is_left_out() -> None:
    health = Health()
    health.note_start("a")
    assert names([route("a", max_concurrent=1)], health) == []
    assert names([route("a", max_concurrent=1), route("b")], health) == ["b-0"]


def test_weight_zero_is_only_a_last_resort_of_its_priority() -> None:
    assert names([route("a", weight=0), route("b")]) == ["b-0", "a-0"]


def test_the_plan_is_bounded() -> None:
    assert len(names([route("a", credentials=100), route("b", credentials=100)])) == MAX_CANDIDATES
