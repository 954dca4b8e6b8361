"""Prices that the operator lays over the shipped list, and the ratios of price groups."""

from typing import Annotated, Final, Literal, Protocol

from msgspec import Meta, Struct

from modelgate.control.actions import Action, Call
from modelgate.control.declared import declared
from modelgate.control.errors import CALLER_ERRORS, CHANGE_ERRORS, NoSuchObject, refused
from modelgate.control.lists import Next
from modelgate.core.endpoints import Case
from modelgate.core.errors import InvalidRequest
from modelgate.core.records import PriceRow
from modelgate.identity.key_bounds import MAX_GROUP_LENGTH, MAX_MODEL_LENGTH
from modelgate.metering.prices import MILLION, UNITS, check_row, parse_multiplier

MAX_RATES: Final = 100
MAX_DECIMAL_LENGTH: Final = 40

_Decimal = Annotated[str, Meta(max_length=MAX_DECIMAL_LENGTH)]
_Rates = Annotated[dict[str, _Decimal], Meta(max_length=MAX_RATES)]
_MILLIONS = ", ".join(f"`{unit}`" for unit, size in UNITS.items() if size == MILLION)
_PIECES = ", ".join(f"`{unit}`" for unit, size in UNITS.items() if size == 1)


class PriceStore(Protocol):
    """Prices and groups of the operator's. Each method is one transaction; every process follows within a second."""

    async def set_price(self, row: PriceRow, *, now: float) -> None: ...

    async def unset_price(self, model: str, *, now: float) -> bool:
        """Return False when none was set."""
        ...

    async def groups(self) -> dict[str, str]:
        """Return the multiplier of each group, a decimal."""
        ...

    async def set_group(self, name: str, multiplier: str, *, now: float) -> None: ...

    async def unset_group(self, name: str, *, now: float) -> bool:
        """Return False when it was not set."""
        ...


class PriceBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model costs. Replaces all rates it had."""

    rates: Annotated[
        _Rates,
        Meta(
            description=(
                f"Unit to US dollars, a decimal in a string: {_MILLIONS} by the million, {_PIECES} each; the latter also with a variant, "
                "such as `image:with_image`."
            ),
            examples=[{"input": "0.50", "output": "1.50"}],
        ),
    ] = {}
    free: Annotated[bool, Meta(description="It costs nothing; then there are no rates.")] = False


class PriceSet(Struct, frozen=True, kw_only=True):
    """A price of the operator's."""

    model: Annotated[str, Meta(description="Name of the model.")]
    rates: Annotated[dict[str, str], Meta(description="Unit to US dollars, a decimal in a string.")]
    free: Annotated[bool, Meta(description="Whether it costs nothing.")]
    object: Annotated[Literal["price"], Meta(description="Always `price`.")] = "price"


class GroupBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ratio of a price group."""

    multiplier: Annotated[_Decimal, Meta(description="By what prices are multiplied, a decimal in a string.", examples=["0.8"])]


class GroupObject(Struct, frozen=True, kw_only=True):
    """A price group: its keys pay the price times the multiplier."""

    name: Annotated[str, Meta(description="Name of the group.")]
    multiplier: Annotated[str, Meta(description="By what prices are multiplied, a decimal.")]
    object: Annotated[Literal["group"], Meta(description="Always `group`.")] = "group"


class GroupList(Struct, frozen=True, kw_only=True):
    """Price groups by name."""

    data: Annotated[list[GroupObject], Meta(description="The groups. A group that is not among them pays the price as it is.")]
    next: Next = None
    object: Annotated[Literal["list"], Meta(description="Always `list`.")] = "list"


def price_actions(store: PriceStore) -> tuple[Action, ...]:
    """Return the actions."""
    prices = _Prices(store)
    return (
        Action(endpoint=SET_PRICE, handle=prices.set_price, permission="configure"),
        Action(endpoint=UNSET_PRICE, handle=prices.unset_price, permission="configure"),
        Action(endpoint=LIST_GROUPS, handle=prices.list_groups),
        Action(endpoint=SET_GROUP, handle=prices.set_group, permission="configure"),
        Action(endpoint=UNSET_GROUP, handle=prices.unset_group, permission="configure"),
    )


class _Prices:
    def __init__(self, store: PriceStore) -> None:
        self._store = store

    async def set_price(self, call: Call) -> PriceSet:
        body: PriceBody = call.body
        model = _name_of(call.values["model"], "model", MAX_MODEL_LENGTH)
        if body.free and body.rates:
            raise refused("rates", "a model that is free has none")
        row = PriceRow(model=model, rates={unit.strip(): rate.strip() for unit, rate in body.rates.items()}, free=body.free)
        try:
            check_row(row)
        except ValueError as error:
            raise refused("rates", str(error)) from None
        await self._store.set_price(row, now=call.now)
        return PriceSet(model=model, rates=row.rates, free=row.free)

    async def unset_price(self, call: Call) -> None:
        if not await self._store.unset_price(call.values["model"], now=call.now):
            raise NoSuchObject("No price of this model was set here.")

    async def list_groups(self, _: Call) -> GroupList:
        return GroupList(data=[GroupObject(name=name, multiplier=text) for name, text in (await self._store.groups()).items()])

    async def set_group(self, call: Call) -> GroupObject:
        body: GroupBody = call.body
        name = _name_of(call.values["group"], "group", MAX_GROUP_LENGTH)
        try:
            parse_multiplier(body.multiplier)
        except ValueError as error:
            raise refused("multiplier", str(error)) from None
        await self._store.set_group(name, body.multiplier.strip(), now=call.now)
        return GroupObject(name=name, multiplier=body.multiplier.strip())

    async def unset_group(self, call: Call) -> None:
        if not await self._store.unset_group(call.values["group"], now=call.now):
            raise NoSuchObject("This group has no multiplier.")


def _name_of(text: str, field: str, most: int) -> str:
    name = text.strip()
    if not 1 <= len(name) <= most or not name.isprintable():
        raise refused(field, f"a name has 1 to {most} characters")
    return name


_MODEL = {"model": "my-model"}
_PRICE = {"object": "price", "model": "my-model", "rates": {"input": "0.50", "output": "1.50"}, "free": False}
_GROUP = {"object": "group", "name": "gold", "multiplier": "0.8"}

SET_PRICE = declared(
    "PUT",
    "/api/prices/{model}",
    "set_price",
    family="admin",
    summary="Set a price",
    description=(
        "Lays a price over the shipped list, in US dollars, replacing all rates of the model. Requests under way keep theirs; a model "
        "without a price is refused. A slash in the name is written `%2F`."
    ),
    request=PriceBody,
    response=PriceSet,
    errors=(*CHANGE_ERRORS, InvalidRequest),
    cases=(
        Case(
            name="tokens",
            title="By tokens",
            prose="Half a dollar for a million tokens in, one and a half for a million out.",
            request={"rates": {"input": "0.50", "output": "1.50"}},
            response=_PRICE,
            path_values=_MODEL,
        ),
    ),
)
UNSET_PRICE = declared(
    "DELETE",
    "/api/prices/{model}",
    "unset_price",
    family="admin",
    summary="Take a price away",
    description="The shipped price of the model holds again, if there is one; without one the model is refused.",
    errors=(*CHANGE_ERRORS, NoSuchObject),
    cases=(Case(name="unset", title="Back to the shipped price", prose="The answer is empty.", status=204, path_values=_MODEL),),
)
LIST_GROUPS = declared(
    "GET",
    "/api/groups",
    "list_groups",
    summary="List price groups",
    description="The groups that have a ratio. Every other group, `default` too, pays the price as it is.",
    response=GroupList,
    errors=CALLER_ERRORS,
    cases=(
        Case(
            name="groups",
            title="All groups",
            prose="Keys in `gold` pay four fifths.",
            response={"object": "list", "data": [_GROUP], "next": None},
        ),
    ),
)
SET_GROUP = declared(
    "PUT",
    "/api/groups/{group}",
    "set_group",
    family="admin",
    summary="Set a group's ratio",
    description="Keys in the group pay the price times this, from the next request on.",
    request=GroupBody,
    response=GroupObject,
    errors=CHANGE_ERRORS,
    cases=(
        Case(
            name="discount",
            title="A fifth off",
            prose="0 is free, 1.2 is a fifth on top.",
            request={"multiplier": "0.8"},
            response=_GROUP,
            path_values={"group": "gold"},
        ),
    ),
)
UNSET_GROUP = declared(
    "DELETE",
    "/api/groups/{group}",
    "unset_group",
    family="admin",
    summary="Forget a group's ratio",
    description="Its keys pay the price as it is.",
    errors=(*CHANGE_ERRORS, NoSuchObject),
    cases=(Case(name="unset", title="Forget it", prose="The answer is empty.", status=204, path_values={"group": "gold"}),),
)
