"""What of a task's hold is charged: all of it, unless it was held for a longest length and what was made is shorter."""

from collections.abc import Callable, Mapping
from typing import Protocol

from modelgate.core.providers import MediaOperation, Provider
from modelgate.core.records import Snapshot, Task, TaskOutput
from modelgate.formats.media.requests import decode_request
from modelgate.metering.media import amount_of
from modelgate.metering.prices import PriceBook

Charge = Callable[[Task, tuple[TaskOutput, ...]], int]
"""Returns what is charged for a task that succeeds with these results, in nano-USD; never more than its hold."""


class Priced(Protocol):
    """A configuration as far as it is needed here."""

    snapshot: Snapshot
    prices: PriceBook

    def home_of(self, model: str, operation: str) -> MediaOperation | None:
        """Return how a model's own vendor does an operation."""
        ...


class PricedNow(Protocol):
    """Returns the configuration of now."""

    def __call__(self) -> Priced: ...


def whole_hold(task: Task, outputs: tuple[TaskOutput, ...]) -> int:
    """Charge all that is held."""
    del outputs
    return task.amount_nanos


class MeasuredCharges:
    """`Charge` by the length that the results have, where their operation says that it counts."""

    def __init__(self, configured: PricedNow, *, providers: Mapping[str, Provider]) -> None:
        self._configured = configured
        self._providers = providers

    def __call__(self, task: Task, outputs: tuple[TaskOutput, ...]) -> int:
        """Return the part of the hold that the price of today has for what was made, of its price for what was held for.

        Groups, and a price that was changed meanwhile, are in the hold: only the proportion is worked out here.
        """
        configuration = self._configured()
        provider = next((each.provider for each in configuration.snapshot.upstreams if each.id == task.upstream), "")
        operation = self._operation(configuration, provider, task)
        price = configuration.prices.find(task.model, provider=provider)
        if operation is None or operation.measure is None or price is None:
            return task.amount_nanos
        held = decode_request(task.operation, task.request)
        whole, part = (amount_of(price, task.operation, request) for request in (held, operation.measure(held, outputs)))
        return task.amount_nanos * part // whole if 0 < part < whole else task.amount_nanos

    def _operation(self, configuration: Priced, provider: str, task: Task) -> MediaOperation | None:
        """Return how the work is done: of what another gateway did, by its model's own vendor."""
        known = self._providers.get(provider)
        operation = known.operation(task.operation) if known is not None else None
        if operation is not None and operation.takes_everything:
            return configuration.home_of(task.model, task.operation)
        return operation
