"""What recent attempts taught about each (upstream, credential, model), kept in memory by each process.

Failures are counted per model, so that one bad model does not cool a whole upstream. A cooldown always ends, and it only
ever orders candidates: when everything cools, the one that is free soonest is tried all the same. The exception is a
Retry-After, which is the vendor's word and is honoured.
"""

import msgspec

from modelgate.routing.table import Place

FAILURES_BEFORE_COOLDOWN = 3
FIRST_COOLDOWN_S = 5.0
MAX_COOLDOWN_S = 60.0
CREDENTIAL_COOLDOWN_S = 60.0
MAX_RETRY_AFTER_S = 600.0
MAX_PLACES = 20_000
"""States kept; healthy places take none, so only a flood of distinct failing models comes near."""


class PlaceHealth(msgspec.Struct):
    """`cool_until` and `refused_until` are clock seconds; the latter comes from a Retry-After and is binding."""

    failures: int = 0
    cool_until: float = 0.0
    refused_until: float = 0.0


class Health:
    """Mutable memory of outcomes; every method is a few dictionary operations."""

    def __init__(self) -> None:
        self._places: dict[Place, PlaceHealth] = {}
        self._running: dict[str, int] = {}

    def is_fine(self, place: Place) -> bool:
        """Return whether nothing is held against the place."""
        return not self._places or place not in self._places

    def cools(self, place: Place, now: float) -> float:
        """Return until when the place should be avoided, 0 when it is fine."""
        health = self._places.get(place) if self._places else None
        if health is None:
            return 0.0
        until = max(health.cool_until, health.refused_until)
        return until if until > now else 0.0

    def refused_until(self, place: Place, now: float) -> float:
        """Return until when the vendor itself asked to be left alone, 0 when it did not."""
        health = self._places.get(place) if self._places else None
        return health.refused_until if health is not None and health.refused_until > now else 0.0

    def note_success(self, place: Place) -> None:
        """Forget what was held against the place."""
        if self._places:
            self._places.pop(place, None)

    def note_failure(self, place: Place, now: float, *, retry_after_s: float | None = None, credential_fault: bool = False) -> None:
        """Count a failure that was not the caller's. Cools after `FAILURES_BEFORE_COOLDOWN` in a row, longer each time."""
        health = self._places.get(place)
        if health is None:
            if len(self._places) >= MAX_PLACES:
                self._places.pop(next(iter(self._places)))
            health = self._places[place] = PlaceHealth()
        health.failures += 1
        if retry_after_s is not None:
            health.refused_until = now + min(retry_after_s, MAX_RETRY_AFTER_S)
        if credential_fault:
            health.cool_until = now + CREDENTIAL_COOLDOWN_S
        elif health.failures >= FAILURES_BEFORE_COOLDOWN:
            over = min(health.failures - FAILURES_BEFORE_COOLDOWN, 10)
            health.cool_until = now + min(FIRST_COOLDOWN_S * 2**over, MAX_COOLDOWN_S)

    def has_room(self, upstream: str, bound: int) -> bool:
        """Return whether an upstream with a bound on concurrent requests (0: none) may take one more."""
        return bound == 0 or self._running.get(upstream, 0) < bound

    def note_start(self, upstream: str) -> None:
        """One more request runs at this upstream."""
        self._running[upstream] = self._running.get(upstream, 0) + 1

    def note_end(self, upstream: str) -> None:
        """One request at this upstream ended, however."""
        self._running[upstream] -= 1
