"""Who serves a model as configured now, for the explanation of a call."""

from collections.abc import Awaitable, Callable

from modelgate.control.explaining import CandidateNow
from modelgate.core.money import Book
from modelgate.core.providers import CHAT, operation_of
from modelgate.gateway.configuration import Configuration


class CandidatesFromRoutes:
    """Satisfies `control.explaining.CandidatesNow` out of the configuration that a desk follows."""

    def __init__(self, configuration: Callable[[], Awaitable[Configuration]]) -> None:
        self._configuration = configuration

    async def __call__(self, book: Book, model: str, endpoint: str) -> list[CandidateNow]:
        """Return the upstreams of a model by what its endpoint does; of a media family by whatever the model does."""
        configuration = await self._configuration()
        operations = dict.fromkeys((CHAT, operation_of(endpoint), *configuration.operations_of(book, model)))
        found: dict[str, CandidateNow] = {}
        for operation in operations:
            for route in configuration.routes.find(book=book, operation=operation, model=model):
                one = route.upstream
                found.setdefault(one.id, CandidateNow(upstream=one.id, name=one.name, priority=one.priority, weight=one.weight))
            if found:
                break
        return list(found.values())
