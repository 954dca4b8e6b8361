"""Models over the account API, on real databases."""

from typing import Any

import pytest

from .api import Api

pytestmark = pytest.mark.anyio

PATH = "/api/models"


async def models(api: Api, *, role: Any = "member", query: str = "") -> dict[str, Any]:
    listed = await api.ask("GET", PATH, role=role, query=query)
    return {model["id"]: model for model in listed["data"]}


async def test_what_can_be_called_with_where_and_for_how_much(api: Api) -> None:
    assert await models(api) == {}
    body = {"provider": "openai", "name": "mine", "secrets": ["s"], "models": {"gpt-5.6-luna": "gpt-5.6-luna", "own": "other"}}
    await api.ask("POST", "/api/upstreams", body, role="admin")
    seen = await models(api)
    assert set(seen) == {"gpt-5.6-luna"}, "nobody priced the other one"
    luna = seen["gpt-5.6-luna"]
    assert luna["operations"][:1] == ["chat"]
    assert {"/v1/chat/completions", "/v1/messages", "/v1beta/models/{model}:generateContent"} <= set(luna["paths"])
    assert (luna["price"]["set_by"], luna["price"]["rates"]["output"], luna["upstreams"]) == ("shipped", "1.20", None)
    assert luna["price"]["source"].startswith("https://")
    everything = await models(api, role="admin")
    assert (everything["own"]["price"], everything["own"]["upstreams"]) == (None, ["mine"])


async def test_a_price_is_seen_as_soon_as_it_is_set(api: Api) -> None:
    body = {"provider": "openai", "secrets": ["s"], "models": {"own": "other"}}
    await api.ask("POST", "/api/upstreams", body, role="admin")
    await api.ask("PUT", "/api/prices/own", {"rates": {"input": "2", "output": "3"}}, role="admin")
    await api.ask("PUT", "/api/prices/unserved", {"free": True}, role="admin")
    await api.ask("PUT", "/api/groups/gold", {"multiplier": "0.5"}, role="admin")
    listed = await api.ask("GET", PATH)
    assert [model["id"] for model in listed["data"]] == ["own"]
    assert listed["data"][0]["price"] == {
        "rates": {"input": "2", "output": "3"},
        "free": False,
        "source": "",
        "date": "",
        "set_by": "operator",
    }
    assert listed["groups"] == [{"name": "gold", "multiplier": "0.5", "object": "group"}]
    assert listed["units"]["input"] == 1_000_000
    unserved = (await models(api, role="admin"))["unserved"]
    assert (unserved["operations"], unserved["upstreams"], unserved["price"]["free"]) == ([], [], True)


async def test_the_sandbox_in_its_own_book(api: Api) -> None:
    seen = await models(api, query="book=test")
    assert "sandbox-chat" in seen
    assert {"/v1/tasks", "/v1/images/generations", "/v1/videos"} <= set(seen["kling-v1"]["paths"])
    assert "image" in seen["kling-v1"]["operations"]


async def test_a_server_of_ones_own_is_free(api: Api) -> None:
    body = {"provider": "vllm", "base_url": "http://10.0.0.5:8000/v1", "models": {"local": "local"}}
    await api.ask("POST", "/api/upstreams", body, role="admin")
    assert (await models(api))["local"]["price"]["free"] is True
