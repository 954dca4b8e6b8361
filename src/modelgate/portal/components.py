"""The JSON schemas of types, their words in the order of the declaration: msgspec sorts them, and `high, low, medium` reads badly."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

import msgspec

Orders = Mapping[frozenset[Any], tuple[Any, ...]]
Schema = dict[str, Any]  # JSON


def schema_components(types: Sequence[Any], *, ref_template: str) -> tuple[tuple[Schema, ...], dict[str, Schema]]:
    """Return what msgspec makes of types: the schema of each, and the named ones that they refer to."""
    schemas, components = msgspec.json.schema_components(types, ref_template=ref_template)
    orders = orders_of(types)
    return tuple(_ordered(schema, orders) for schema in schemas), {name: _ordered(schema, orders) for name, schema in components.items()}


def orders_of(types: Iterable[Any]) -> Orders:
    """Return the words of every `Literal` in types and their fields, by the set of them. Of the same words the first order counts."""
    orders: dict[frozenset[Any], tuple[Any, ...]] = {}
    seen: set[Any] = set()
    left = list(types)
    while left:
        for kind in _parts(left.pop()):
            if get_origin(kind) is Literal:
                orders.setdefault(frozenset(get_args(kind)), get_args(kind))
            elif isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in seen:
                seen.add(kind)
                left += [field.type for field in msgspec.structs.fields(kind)]
    return orders


def _parts(kind: Any) -> Iterator[Any]:
    yield kind
    if get_origin(kind) is not Literal:
        for inner in get_args(kind):
            yield from _parts(inner)


def _ordered(schema: Any, orders: Orders) -> Any:
    if isinstance(schema, list):
        return [_ordered(one, orders) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _words(value, orders) if name == "enum" else _ordered(value, orders) for name, value in schema.items()}


def _words(values: Any, orders: Orders) -> Any:
    if not isinstance(values, list):
        return _ordered(values, orders)  # a field of that name
    told = [value for value in values if value is not None]
    return [*orders.get(frozenset(told), told), *(None for value in values if value is None)]
