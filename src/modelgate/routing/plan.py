"""The ordered candidates for one request: priority first, then weighted chance, cooling ones last."""

import random
from collections.abc import Sequence

from modelgate.routing.health import Health
from modelgate.routing.table import Candidate, Route

MAX_CANDIDATES = 16
"""More places than any request will try; the plan stops there."""


def plan_candidates(
    routes: Sequence[Route], *, model: str, health: Health, now: float, chance: random.Random | None = None
) -> list[Candidate]:
    """Order the candidates of a model's routes.

    Cooling candidates go last, soonest free first. Those whose vendor said Retry-After, and those at their bound of concurrent
    requests, are left out; an empty answer means that nobody can take the request now.
    """
    fine: list[tuple[float, float, Candidate]] = []
    cooling: list[tuple[float, Candidate]] = []
    draw = chance.random if chance is not None else random.random
    for route in routes:
        upstream = route.upstream
        if not health.has_room(upstream.id, upstream.max_concurrent):
            continue
        for candidate in route.candidates(model):
            if health.refused_until(candidate.place, now):
                continue
            until = health.cools(candidate.place, now)
            if until:
                cooling.append((until, candidate))
            else:
                # Weighted shuffle (Efraimidis and Spirakis, 2006): the credentials of an upstream share its weight.
                weight = max(upstream.weight, 0) / len(route.credentials)
                fine.append((-upstream.priority, -(draw() ** (1 / weight)) if weight else 0.0, candidate))
    fine.sort(key=lambda entry: entry[:2])
    cooling.sort(key=lambda entry: entry[0])
    return ([entry[2] for entry in fine] + [entry[1] for entry in cooling])[:MAX_CANDIDATES]


def is_open(candidate: Candidate, *, health: Health, now: float) -> bool:
    """Return whether a request may go there now: its vendor did not say otherwise, and its bound of concurrent requests holds."""
    upstream = candidate.upstream
    return not health.refused_until(candidate.place, now) and health.has_room(upstream.id, upstream.max_concurrent)


def soonest_retry_s(routes: Sequence[Route], *, model: str, health: Health, now: float) -> float | None:
    """Return in how many seconds the first vendor that said Retry-After may be asked again, None if none did."""
    waits = [
        until - now for route in routes for candidate in route.candidates(model) if (until := health.refused_until(candidate.place, now))
    ]
    return min(waits) if waits else None
