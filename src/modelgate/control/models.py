"""The models that can be called here, what for, where, and at what price."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from modelgate.control.actions import Action, Call
from modelgate.control.declared import declared
from modelgate.control.errors import CALLER_ERRORS
from modelgate.control.lists import BookName, Next
from modelgate.control.prices import GroupObject
from modelgate.core.endpoints import Case
from modelgate.core.money import Book
from modelgate.core.records import Snapshot
from modelgate.identity.roles import may, sees_all_accounts
from modelgate.metering.prices import UNITS, PriceBook
from modelgate.routing.table import RouteTable


class Catalogue(Protocol):
    """One configuration, compiled."""

    @property
    def snapshot(self) -> Snapshot: ...

    @property
    def prices(self) -> PriceBook: ...

    @property
    def routes(self) -> RouteTable: ...


FindCatalogue = Callable[[], Awaitable[Catalogue]]
"""Returns the configuration of now, the caller's own change a moment ago included."""


class ModelPrice(Struct, frozen=True, kw_only=True):
    """What a model costs by the list, before the ratio of a key's group."""

    rates: Annotated[dict[str, str], Meta(description="Unit to US dollars, a decimal in a string; `units` says for how many.")]
    free: Annotated[bool, Meta(description="Whether it costs nothing.")]
    source: Annotated[str, Meta(description="Where the shipped price is from; empty for one of the operator's.")]
    date: Annotated[str, Meta(description="Month in which the shipped price was entered; empty for one of the operator's.")]
    set_by: Annotated[Literal["operator", "shipped"], Meta(description="Whose price it is.")]


class ModelObject(Struct, frozen=True, kw_only=True):
    """A model."""

    id: Annotated[str, Meta(description="Name to call it by.")]
    vendor: Annotated[str, Meta(description="Whose it is, by the price list; empty where that does not know.")]
    operations: Annotated[tuple[str, ...], Meta(description="What it can be asked for: `chat`, `embeddings`, `image`, `video`, …")]
    paths: Annotated[tuple[str, ...], Meta(description="Paths of this server where it can be asked.")]
    price: Annotated[ModelPrice | None, Meta(description="What it costs; null: nobody priced it, and calls to it are refused.")]
    upstreams: Annotated[
        tuple[str, ...] | None, Meta(description="Names of the upstreams that serve it, the preferred first; null for members.")
    ]
    object: Annotated[Literal["model"], Meta(description="Always `model`.")] = "model"


class ModelList(Struct, frozen=True, kw_only=True):
    """Models by name, with what is needed to read their prices."""

    data: Annotated[list[ModelObject], Meta(description="The models.")]
    units: Annotated[dict[str, int], Meta(description="Unit of a rate to how many of the counted thing the rate is for.")]
    groups: Annotated[list[GroupObject], Meta(description="Ratios of price groups; a group that is not among them pays the list.")]
    next: Next = None
    object: Annotated[Literal["list"], Meta(description="Always `list`.")] = "list"


class ModelQuery(Struct, frozen=True, kw_only=True):
    """Which models."""

    book: BookName = "live"


class _Found:
    """What the routes say of one model."""

    def __init__(self) -> None:
        self.operations: set[str] = set()
        self.upstreams: dict[str, None] = {}
        self.provider = ""
        self.is_free = True


def model_actions(find: FindCatalogue, *, operations: tuple[str, ...], paths_of: Callable[[str], tuple[str, ...]]) -> tuple[Action, ...]:
    """Return the action. `operations` are all there are; `paths_of(operation)` says where one can be asked for."""

    async def list_them(call: Call) -> ModelList:
        query: ModelQuery = call.query
        catalogue = await find()
        names_upstreams, sees_unpriced = sees_all_accounts(call.member), may(call.member, "configure")
        own = {row.model for row in catalogue.snapshot.prices}
        models = [
            _shown(name, found, catalogue, own=own, names_upstreams=names_upstreams, paths_of=paths_of)
            for name, found in sorted(_found_in(catalogue.routes, query.book, operations).items())
        ]
        if sees_unpriced and query.book == "live":
            models += _unserved(catalogue, own - {model.id for model in models})
        return ModelList(
            data=[model for model in models if sees_unpriced or model.price is not None],
            units=dict(UNITS),
            groups=[GroupObject(name=name, multiplier=text) for name, text in catalogue.snapshot.groups.items()],
        )

    return (Action(endpoint=LIST_MODELS, handle=list_them),)


def _found_in(routes: RouteTable, book: Book, operations: tuple[str, ...]) -> Mapping[str, _Found]:
    models: dict[str, _Found] = {}
    for operation in operations:
        for name in routes.models(book=book, operation=operation):
            found = models.setdefault(name, _Found())
            found.operations.add(operation)
            for route in routes.find(book=book, operation=operation, model=name):
                found.provider = found.provider or route.upstream.provider
                found.upstreams[route.upstream.name] = None
                found.is_free = found.is_free and route.upstream.free
    return models


def _shown(
    name: str, found: _Found, catalogue: Catalogue, *, own: set[str], names_upstreams: bool, paths_of: Callable[[str], tuple[str, ...]]
) -> ModelObject:
    entry = catalogue.prices.entry(name, provider=found.provider)
    operations = tuple(sorted(found.operations))
    return ModelObject(
        id=name,
        vendor=entry.provider if entry is not None else "",
        operations=operations,
        paths=tuple(dict.fromkeys(path for operation in operations for path in paths_of(operation))),
        price=_price_of(name, catalogue, provider=found.provider, is_free=found.is_free, own=own),
        upstreams=tuple(found.upstreams) if names_upstreams else None,
    )


def _unserved(catalogue: Catalogue, names: set[str]) -> list[ModelObject]:
    """Return the models that the operator priced and nobody serves."""
    return [
        ModelObject(
            id=name,
            vendor="",
            operations=(),
            paths=(),
            price=_price_of(name, catalogue, provider="", is_free=False, own=names),
            upstreams=(),
        )
        for name in sorted(names)
    ]


def _price_of(name: str, catalogue: Catalogue, *, provider: str, is_free: bool, own: set[str]) -> ModelPrice | None:
    entry = catalogue.prices.entry(name, provider=provider)
    if entry is None or not (entry.rates or entry.free):
        return ModelPrice(rates={}, free=True, source="", date="", set_by="operator") if is_free else None
    is_own = name in own or entry.model in own
    return ModelPrice(
        rates=entry.rates,
        free=entry.free or is_free,
        source="" if is_own else entry.source,
        date="" if is_own else entry.listed,
        set_by="operator" if is_own else "shipped",
    )


LIST_MODELS = declared(
    "GET",
    "/api/models",
    "list_catalogue",
    summary="List models and prices",
    description=(
        "Every model that can be called in a book, with its price. Owners and admins also see which upstreams serve it, models that nobody "
        "priced yet, and models that they priced and nobody serves."
    ),
    query=ModelQuery,
    response=ModelList,
    errors=CALLER_ERRORS,
    cases=(
        Case(
            name="models",
            title="What can be called",
            prose="Shortened. `units` says that token rates are for a million.",
            response={
                "object": "list",
                "data": [
                    {
                        "object": "model",
                        "id": "gpt-5.6-luna",
                        "vendor": "openai",
                        "operations": ["chat"],
                        "paths": ["/v1/chat/completions", "/v1/responses", "/v1/messages"],
                        "price": {
                            "rates": {"input": "0.20", "cached": "0.02", "output": "1.20"},
                            "free": False,
                            "source": "https://developers.openai.com/api/docs/pricing",
                            "date": "2026-11",
                            "set_by": "shipped",
                        },
                        "upstreams": None,
                    }
                ],
                "units": {"input": 1_000_000, "cached": 1_000_000, "output": 1_000_000},
                "groups": [{"object": "group", "name": "gold", "multiplier": "0.8"}],
                "next": None,
            },
        ),
    ),
)
