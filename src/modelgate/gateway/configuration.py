"""A snapshot made ready for the hot path: routes, prices, and for every credential the door it opens."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from urllib.parse import urlsplit

import msgspec

from modelgate.core.errors import ModelgateError, NoUpstream, UnknownModel, UnpricedModel, UnsupportedOperation
from modelgate.core.http import HeaderBlock
from modelgate.core.money import Book
from modelgate.core.providers import MediaOperation, Provider, Quirks, format_for
from modelgate.core.records import ApiKey, Credential, Snapshot, Upstream
from modelgate.formats.media.requests import kind_of
from modelgate.gateway.state_ids import StateSeals
from modelgate.metering.prices import Price, PriceBook, PriceEntry
from modelgate.routing.table import Candidate, Route, RouteTable
from modelgate.transport.target import Target, Timeouts, target_of

USER_AGENT = "modelgate"
MAX_SHOWN_CHARACTERS = 100
"""So much of a caller's model name is said back."""
MAX_OFFERS = 20_000
"""Answers to "who serves this model, at what price" that are remembered; a server that takes any name could fill it."""


class Door(msgspec.Struct):
    """How one credential reaches its upstream: where, under which path, with which header lines.

    `query` goes with every path. `prepared` are the heads of the calls made through it again and again, by path, up to the request id,
    once the transport has made them.
    """

    target: Target
    base_path: str
    query: str
    headers: HeaderBlock
    timeouts: Timeouts
    prepared: dict[str, bytes] = {}


def no_such_model(model: str) -> UnknownModel:
    """Return the error for a model that is not here, or not for this key: the two cannot be told apart."""
    shown = model[:MAX_SHOWN_CHARACTERS]
    return UnknownModel(f"There is no model '{shown}' here. GET /v1/models lists what this key may use.", param="model")


def _word(operation: str) -> str:
    """Return an operation as people say it: `openai_images` is a dialect's way to pictures."""
    return operation.removeprefix("openai_").replace("_", " ")


def _is_paused(upstream: Upstream) -> bool:
    """Tell whether nothing is sent to an upstream because its operator says so, of it or of every key of it."""
    return upstream.disabled or all(credential.disabled for credential in upstream.credentials)


def _resumed(upstream: Upstream) -> Upstream:
    credentials = tuple(msgspec.structs.replace(credential, disabled=False) for credential in upstream.credentials)
    return msgspec.structs.replace(upstream, disabled=False, credentials=credentials)


class Offer(msgspec.Struct, frozen=True):
    """Who serves a model in a book, and what it costs a group. `price` None: nobody has priced it. `only`: there is no choice."""

    routes: tuple[Route, ...]
    price: Price | None
    only: Candidate | None


class Configuration:
    """One snapshot, compiled. Replaced whole; a request keeps the one it began with."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        providers: Mapping[str, Provider],
        shipped: Iterable[PriceEntry],
        now: float,
        proxy_for: Callable[[str], str] = lambda base_url: "",
        ca_file: str = "",
    ) -> None:
        """`proxy_for(base_url)` names the proxy to an upstream on the network, `ca_file` authorities trusted besides the system's.

        Upstreams whose address cannot be read are left out: their `upstreams test` says why.
        """
        self.snapshot = snapshot
        self.prices = PriceBook(shipped, snapshot.prices, snapshot.groups)
        self._offers: dict[tuple[Book, str, str, str], Offer] = {}
        self.doors: dict[tuple[str, str], Door] = {}
        self.seals = StateSeals(snapshot.state_key)
        self._providers = providers
        self._formats: dict[str, tuple[str, ...]] = {}
        self._spoken: dict[tuple[str, str], str] = {}  # at most upstreams x dialects
        reachable = [
            u for u in snapshot.upstreams if self._open_doors(u, providers.get(u.provider), now=now, proxy_for=proxy_for, ca_file=ca_file)
        ]
        self.routes = self._routes_of(reachable)
        self._paused = self._routes_of(_resumed(upstream) for upstream in reachable if _is_paused(upstream))

    def offer(self, *, book: Book, operation: str, model: str, group: str) -> Offer:
        """Return what is on offer for a model; remembered, because every request asks."""
        asked = (book, operation, model, group)
        offer = self._offers.get(asked)
        if offer is None:
            routes = self.routes.find(book=book, operation=operation, model=model)
            provider = routes[0].upstream.provider if routes else ""  # the preferred one's, of a name that several vendors have
            is_free = bool(routes) and all(route.upstream.free for route in routes)
            price = self.prices.find(model, provider=provider, group=group, free=is_free)
            candidates = [candidate for route in routes for candidate in route.candidates(model)]
            if len(self._offers) >= MAX_OFFERS:
                self._offers.clear()
            offer = self._offers[asked] = Offer(routes, price, candidates[0] if len(candidates) == 1 else None)
        return offer

    def offer_to(self, key: ApiKey, *, operation: str, model: str) -> tuple[Offer, Price]:
        """Return the offer of a model to a key, and its price.

        Raises:
            NoUpstream: known, but nobody serves it now. UnknownModel, UnsupportedOperation, UnpricedModel: as they say.
        """
        offer = self.offer(book=key.book, operation=operation, model=model, group=key.group)
        if not offer.routes:
            raise self._without_route(key.book, operation=operation, model=model)
        if offer.price is None:
            shown = model[:MAX_SHOWN_CHARACTERS]
            raise UnpricedModel(f"'{shown}' has no price yet. An operator can set one: modelgate prices set.", param="model")
        return offer, offer.price

    def does(self, book: Book, model: str) -> frozenset[str]:
        """Return all that a model is for, whoever would do it: upstreams, paused ones too, and by the price list. Empty: not known."""
        by_name = (*self.routes.operations_of(book=book, model=model), *self._paused.operations_of(book=book, model=model))
        entries = [self.prices.entry(model, provider=provider) for provider in self._providers] if book == "live" else []
        listed = [entry.serves for entry in entries if entry is not None and entry.book != "test"]
        return frozenset((*by_name, *chain.from_iterable(listed)))

    def _without_route(self, book: Book, *, operation: str, model: str) -> ModelgateError:
        """Return why a model without a route for an operation is refused."""
        shown = model[:MAX_SHOWN_CHARACTERS]
        entry = self.prices.entry(model) if book == "live" else None
        does = self.does(book, model)
        if does and operation not in does:
            named = ", ".join(sorted(_word(one) for one in does))
            return UnsupportedOperation(
                f"The model '{shown}' has no operation '{_word(operation)}'. What it is for: {named}.", param="model"
            )
        if not does:
            if entry is None:
                return no_such_model(model)
            if entry.book == "test":
                return UnknownModel(f"'{shown}' is the sandbox's own: only test keys (sk-test-…) reach it.", param="model")
        if self._paused.find(book=book, operation=operation, model=model):
            return NoUpstream(f"Every upstream of '{shown}' is paused. An operator can resume one: modelgate upstreams resume.")
        return NoUpstream(f"No upstream is configured for '{shown}'. An operator can add one: modelgate upstreams add.")

    def operations_of(self, book: Book, model: str) -> tuple[str, ...]:
        """Return the media operations that a model can be asked for, the plain ones first; of one that nobody serves now, all it is for."""
        names = {name for provider in self._providers.values() for name in provider.media}
        served = {name for name in names if self.routes.is_named(book=book, operation=name, model=model)}
        return tuple(sorted(served or names & self.does(book, model)))

    def door(self, upstream: Upstream, credential: Credential) -> Door:
        """Return the door of a candidate that came from `routes`."""
        return self.doors[upstream.id, credential.id]

    def spoken_to(self, upstream: Upstream, wanted: str) -> str:
        """Return the dialect in which an upstream is asked for what came in as `wanted`, empty when it cannot be."""
        name = self._spoken.get((upstream.id, wanted))
        if name is None:
            name = self._spoken[upstream.id, wanted] = format_for(self._formats[upstream.id], wanted)
        return name

    def quirks_of(self, upstream: Upstream) -> Quirks:
        """Return where an upstream's vendor departs from its dialect."""
        return self._providers[upstream.provider].quirks

    def _routes_of(self, upstreams: Iterable[Upstream]) -> RouteTable:
        return RouteTable(upstreams, providers=self._providers, models_of=self._models_of, serves=self._serves)

    def _models_of(self, provider: str, book: Book, operation: str) -> tuple[str, ...]:
        return self.prices.models_of(provider, book=book, operation=operation)

    def _serves(self, model: str, operation: str) -> bool:
        """Say whether a model is for an operation: by the price list, or, of one of the operator's own, by what its price counts."""
        entry = self.prices.entry(model)
        if entry is None or entry.serves or entry.provider:
            return entry is not None and operation in entry.serves
        counted = {unit.partition(":")[0] for unit in entry.rates}
        return "call" in counted or ("image" if kind_of(operation) == "image" else "second") in counted

    def home_of(self, model: str, operation: str) -> MediaOperation | None:
        """Return how a model's own vendor, by the price list, does an operation: whose defaults hold wherever the model is had."""
        entry = self.prices.entry(model)
        provider = self._providers.get(entry.provider) if entry is not None else None
        return provider.media.get(operation) if provider is not None else None

    def _open_doors(
        self, upstream: Upstream, provider: Provider | None, *, now: float, proxy_for: Callable[[str], str], ca_file: str
    ) -> bool:
        if provider is None:
            return False
        path = urlsplit(upstream.base_url).path.rstrip("/")
        self._formats[upstream.id] = provider.formats if upstream.socket else provider.formats_at(upstream.base_url)
        try:
            proxy = "" if upstream.socket else proxy_for(upstream.base_url)
            target = target_of(upstream.base_url, socket=upstream.socket, ca_file=upstream.ca_file or ca_file, proxy=proxy)
            for credential in upstream.credentials:
                signed = provider.sign(credential.secret, now)
                headers = HeaderBlock.of(*signed, ("user-agent", USER_AGENT))
                timeouts = Timeouts(head_s=upstream.timeout_s)
                self.doors[upstream.id, credential.id] = Door(target, path, provider.quirks.query, headers, timeouts)
        except ValueError:
            return False
        return True
