"""The routes of one configuration: model name to the upstreams that serve it, by priority. Built once per snapshot."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from modelgate.core.money import Book
from modelgate.core.providers import Provider, operation_of
from modelgate.core.records import Credential, Upstream

ModelsOf = Callable[[str, Book, str], tuple[str, ...]]
"""(provider, book, operation) -> names of models."""
Serves = Callable[[str, str], bool]
"""(model, operation) -> whether the model is known to be for it."""
Place = tuple[str, str, str]
"""(upstream id, credential id, upstream's model name): what `Health` remembers something about."""


class Candidate(msgspec.Struct, frozen=True):
    """One credential at one upstream, under the model name used there."""

    upstream: Upstream
    credential: Credential
    upstream_model: str
    place: Place


def candidate_at(upstream: Upstream, credential: Credential, upstream_model: str) -> Candidate:
    """Return the candidate of a credential, its place worked out."""
    return Candidate(upstream, credential, upstream_model, (upstream.id, credential.id, upstream_model))


class Route(msgspec.Struct, frozen=True):
    """One upstream that serves a model, under the name it uses for it (empty: the caller's own)."""

    upstream: Upstream
    upstream_model: str
    credentials: tuple[Credential, ...]

    def candidates(self, model: str) -> list[Candidate]:
        """Return one candidate for each credential, for a caller that asks for `model`."""
        name = self.upstream_model or model
        return [candidate_at(self.upstream, credential, name) for credential in self.credentials]


class RouteTable:
    """Routes by (book, operation, model). An operation is `chat`, another one-call format (`openai_embeddings`) or a media operation."""

    def __init__(
        self,
        upstreams: Iterable[Upstream],
        *,
        providers: Mapping[str, Provider],
        models_of: ModelsOf,
        serves: Serves = lambda model, operation: True,
    ) -> None:
        """`models_of(provider, book, operation)` names the priced models of a provider, for upstreams without a list of their own.

        `serves` says what of all media operations the models of a provider are for that does any.
        """
        self._routes: dict[tuple[Book, str, str], tuple[Route, ...]] = {}
        self._any_model: dict[tuple[Book, str], tuple[Route, ...]] = {}
        self._names: dict[tuple[Book, str], set[str]] = {}
        any_media = {name for provider in providers.values() for name in provider.media}
        usable = [u for u in upstreams if not u.disabled and u.provider in providers]
        for upstream in sorted(usable, key=lambda u: (-u.priority, u.id)):
            provider = providers[upstream.provider]
            credentials = tuple(c for c in upstream.credentials if not c.disabled)
            if not credentials:
                continue
            # The sandbox is the vendor itself as far as formats go.
            formats = provider.formats if upstream.socket else provider.formats_at(upstream.base_url)
            operations = dict.fromkeys(operation_of(name) for name in formats)
            for operation in (*operations, *provider.media):
                self._add(upstream, credentials, operation, models_of=models_of)
            if provider.media_any is not None:
                for operation in sorted(any_media - set(provider.media)):
                    self._add(upstream, credentials, operation, models_of=models_of, serves=serves)

    def find(self, *, book: Book, operation: str, model: str) -> tuple[Route, ...]:
        """Return the routes of a model, higher priority first; empty when nobody serves it."""
        found = self._routes.get((book, operation, model))
        return found if found is not None else self._any_model.get((book, operation), ())

    def is_named(self, *, book: Book, operation: str, model: str) -> bool:
        """Return whether an upstream serves the model by its name, not only as it serves any name."""
        return (book, operation, model) in self._routes

    def operations_of(self, *, book: Book, model: str) -> tuple[str, ...]:
        """Return the operations for which an upstream serves the model by its name, sorted."""
        return tuple(sorted(operation for (of, operation), names in self._names.items() if of == book and model in names))

    def models(self, *, book: Book, operation: str) -> tuple[str, ...]:
        """Return the model names that have a route, sorted. Upstreams that take any name are not in it."""
        return tuple(sorted(self._names.get((book, operation), ())))

    def _add(
        self,
        upstream: Upstream,
        credentials: tuple[Credential, ...],
        operation: str,
        *,
        models_of: ModelsOf,
        serves: Serves | None = None,
    ) -> None:
        names = upstream.models or {name: name for name in models_of(upstream.provider, upstream.book, operation)}
        if not upstream.models and upstream.free:  # a server of one's own: whatever it has, it may serve
            place = (upstream.book, operation)
            self._any_model[place] = (*self._any_model.get(place, ()), Route(upstream, "", credentials))
            return
        for name, upstream_name in names.items():
            if serves is not None and not serves(name, operation):
                continue
            key = (upstream.book, operation, name)
            self._routes[key] = (*self._routes.get(key, ()), Route(upstream, upstream_name, credentials))
            self._names.setdefault((upstream.book, operation), set()).add(name)
