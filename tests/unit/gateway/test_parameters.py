import msgspec
import pytest

from modelgate.core.endpoints import Case, Endpoint
from modelgate.gateway.parameters import CachedHeaders, CachedMessageHeaders, RepeatableHeaders, with_headers

BASE = Endpoint(
    method="POST",
    path="/x",
    name="x",
    family="x",
    home="relay",
    summary="x",
    description="x",
    price_unit="token",
    cases=(Case(name="a", title="A", prose="a"),),
)


@pytest.mark.parametrize(
    ("changes", "headers"),
    [
        ({}, CachedHeaders),
        ({"home": "desk"}, RepeatableHeaders),
        ({"method": "GET"}, None),
        ({"price_unit": ""}, None),
        ({"headers": CachedMessageHeaders}, CachedMessageHeaders),
    ],
)
def test_calls_that_cost_something_can_be_repeated(changes: dict[str, object], headers: object) -> None:
    assert with_headers(msgspec.structs.replace(BASE, **changes)).headers is headers
