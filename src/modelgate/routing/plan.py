"""The ordered candidates for one request: priority first, then weighted chance, cooling ones last."""

import random
from collections.abc import Sequence

import msgspec

from modelgate.core.records import Credential, Upstream
from modelgate.routing.health import Health, Place
from modelgate.routing.table import Route

MAX_CANDIDATES = 16
"""More places than any request will try; the plan stops there."""


class Candidate(msgspec.Struct, frozen=True):
    """One credential at one upstream, under the model name used there."""

    upstream: Upstream
    credential: Credential
    upstream_model: str

    @property
    def place(self) -> Place:
        """The key under which `Health` knows it."""
        return (self.upstream.id, self.credential.id, self.upstream_model)


def plan_candidates(
    routes: Sequence[Route], *, model: str, health: Health, now: float, chance: random.Random | None = None
) -> list[Candidate]:
    """Order the candidates of a model's routes.

    Cooling candidates go last, soonest free first. Those whose vendor said Retry-After, and those at their bound of concurrent
    requests, are left out; an empty answer means that nobody can take the request now.
    """
    if len(routes) == 1 and len(routes[0].credentials) == 1:  # the common case, on the hot path
        route = routes[0]
        only = Candidate(route.upstream, route.credentials[0], route.upstream_model or model)
        return (
            [] if health.refused_until(only.place, now) or not health.has_room(route.upstream.id, route.upstream.max_concurrent) else [only]
        )
    fine: list[tuple[float, float, Candidate]] = []
    cooling: list[tuple[float, Candidate]] = []
    draw = chance.random if chance is not None else random.random
    for route in routes:
        upstream = route.upstream
        if not health.has_room(upstream.id, upstream.max_concurrent):
            continue
        for credential in route.credentials:
            candidate = Candidate(upstream, credential, route.upstream_model or model)
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
    return [entry[2] for entry in fine][:MAX_CANDIDATES] + [entry[1] for entry in cooling][: MAX_CANDIDATES - len(fine)]


def soonest_retry_s(routes: Sequence[Route], *, model: str, health: Health, now: float) -> float | None:
    """Return in how many seconds the first vendor that said Retry-After may be asked again, None if none did."""
    waits = [
        until - now
        for route in routes
        for credential in route.credentials
        if (until := health.refused_until((route.upstream.id, credential.id, route.upstream_model or model), now))
    ]
    return min(waits) if waits else None
