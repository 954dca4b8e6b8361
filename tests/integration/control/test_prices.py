"""Prices and groups over the account API, on real databases."""

from typing import Any

import pytest

from modelgate.control.errors import NoSuchObject
from modelgate.core.errors import InvalidRequest, PermissionDenied
from modelgate.core.records import PriceRow
from modelgate.storage.price_rows import list_groups, list_prices

from .api import Api

pytestmark = pytest.mark.anyio


async def test_a_price_is_set_replaced_and_taken_away(api: Api) -> None:
    path = "/api/prices/acme%2Fmodel"
    await api.ask("PUT", path, {"rates": {"input": " 0.50 ", "image:with_image": "1"}}, role="admin")
    assert api.database.read(list_prices) == (PriceRow(model="acme/model", rates={"input": "0.50", "image:with_image": "1"}),)
    assert (await api.ask("PUT", path, {"free": True}, role="admin"))["free"] is True
    assert api.database.read(list_prices) == (PriceRow(model="acme/model", free=True),)
    await api.ask("DELETE", path, role="admin")
    with pytest.raises(NoSuchObject):
        await api.ask("DELETE", path, role="admin")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rates": {"input": "1"}, "free": True},
        {"rates": {"smiles": "1"}},
        {"rates": {"input": "-1"}},
        {"rates": {"input": "NaN"}},
        {"rates": {"input": 1}},
        {"rates": {"input": "0." + "1" * 50}},
    ],
)
async def test_what_is_no_price_is_refused(api: Api, body: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await api.ask("PUT", "/api/prices/m", body, role="admin")
    assert "rates" in (refused.value.param or "")


@pytest.mark.parametrize("name", ["%20", "x" * 201, "a%0Ab"])
async def test_what_is_no_name_is_refused(api: Api, name: str) -> None:
    with pytest.raises(InvalidRequest):
        await api.ask("PUT", f"/api/prices/{name}", {"free": True}, role="admin")


async def test_groups(api: Api) -> None:
    assert (await api.ask("PUT", "/api/groups/gold", {"multiplier": "0.8"}, role="admin"))["multiplier"] == "0.8"
    assert (await api.ask("GET", "/api/groups", role="viewer"))["data"] == [{"name": "gold", "multiplier": "0.8", "object": "group"}]
    for multiplier in ("-1", "much", "1001"):
        with pytest.raises(InvalidRequest) as refused:
            await api.ask("PUT", "/api/groups/gold", {"multiplier": multiplier}, role="admin")
        assert refused.value.param == "multiplier"
    await api.ask("DELETE", "/api/groups/gold", role="admin")
    assert api.database.read(list_groups) == {}
    with pytest.raises(NoSuchObject):
        await api.ask("DELETE", "/api/groups/gold", role="admin")


@pytest.mark.parametrize(
    ("method", "path", "body"), [("PUT", "/api/prices/m", {"free": True}), ("PUT", "/api/groups/g", {"multiplier": "0"})]
)
async def test_who_pays_sets_no_price(api: Api, method: str, path: str, body: Any) -> None:
    with pytest.raises(PermissionDenied):
        await api.ask(method, path, body)
