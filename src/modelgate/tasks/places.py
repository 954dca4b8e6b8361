"""Which upstreams may take a task, and which one has it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from modelgate.core.clock import Clock
from modelgate.core.providers import MediaOperation, Provider
from modelgate.core.records import Snapshot, Task, Upstream
from modelgate.routing.health import Health
from modelgate.routing.plan import plan_candidates
from modelgate.routing.table import Candidate, RouteTable, candidate_at

SANDBOX_PAUSE_S = 0.5
"""The sandbox is on this machine and never busy: nobody who tries something waits for a vendor's manners."""


def pause_of(upstream: Upstream, operation: MediaOperation) -> float:
    """Return how long a job at an upstream is left alone between two polls."""
    return min(operation.poll_interval_s, SANDBOX_PAUSE_S) if upstream.socket else operation.poll_interval_s


class Compiled(Protocol):
    """A configuration made ready: its snapshot and the routes of it."""

    snapshot: Snapshot
    routes: RouteTable


class Configured(Protocol):
    """Returns the configuration of now."""

    def __call__(self) -> Compiled: ...


class Places(Protocol):
    """What the mover asks about upstreams."""

    health: Health

    def candidates(self, task: Task) -> Sequence[Candidate]:
        """Return who may take the task now, in the order to try; those that asked to be left alone are not in it."""
        ...

    def holder(self, task: Task) -> Candidate | None:
        """Return where the task was submitted; None: that upstream is gone."""
        ...

    def operation(self, upstream: Upstream, name: str) -> MediaOperation | None:
        """Return how an upstream's vendor does an operation."""
        ...


class ConfiguredPlaces:
    """`Places` by the configuration of now."""

    def __init__(self, configured: Configured, *, providers: Mapping[str, Provider], health: Health, clock: Clock) -> None:
        self._configured = configured
        self._providers = providers
        self._clock = clock
        self.health = health

    def candidates(self, task: Task) -> Sequence[Candidate]:
        routes = self._configured().routes.find(book=task.book, operation=task.operation, model=task.model)
        if task.pinned:
            routes = tuple(route for route in routes if route.upstream.id == task.pinned)
        return plan_candidates(routes, model=task.model, health=self.health, now=self._clock())

    def holder(self, task: Task) -> Candidate | None:
        """Return where the task is, disabled or not. A credential that is gone is replaced by another of the same account."""
        for upstream in self._configured().snapshot.upstreams:
            if upstream.id == task.upstream:
                named = [credential for credential in upstream.credentials if credential.id == task.credential]
                others = [credential for credential in upstream.credentials if not credential.disabled]
                for credential in (*named, *others):
                    return candidate_at(upstream, credential, upstream.models.get(task.model, task.model))
        return None

    def operation(self, upstream: Upstream, name: str) -> MediaOperation | None:
        provider = self._providers.get(upstream.provider)
        return provider.operation(name) if provider is not None else None
