"""The log of changes over the account API, on real databases."""

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest, PermissionDenied

from .api import NOW, Api

pytestmark = pytest.mark.anyio

PATH = "/api/events"


async def test_what_an_admin_changes_is_written_down_without_secrets(api: Api) -> None:
    await api.ask("PUT", "/api/prices/m", {"rates": {"input": "1"}}, role="admin")
    await api.ask("POST", "/api/upstreams", {"provider": "openai", "secrets": ["sk-very-secret"], "name": "mine"}, role="owner")
    listed = await api.ask("GET", PATH, role="admin")
    added, priced = listed["data"]
    assert (priced["at"], priced["member"], priced["email"], priced["action"]) == (NOW, "mem_admin", "admin@a.example", "set_price")
    assert (priced["subject"], priced["detail"]) == ("m", {"rates": {"input": "1"}, "free": False})
    assert added["action"] == "add_upstream"
    assert added["detail"]["name"] == "mine"
    assert b"very-secret" not in msgspec.json.encode(listed)


async def test_what_failed_what_was_only_read_and_what_members_do_is_not_in_it(api: Api) -> None:
    with pytest.raises(InvalidRequest):
        await api.ask("PUT", "/api/prices/m", {}, role="admin")
    await api.ask("GET", "/api/upstreams", role="admin")
    await api.ask("POST", "/api/keys", {"name": "app"})
    await api.ask("POST", "/api/playground-key", {}, role="admin")
    assert (await api.ask("GET", PATH, role="admin"))["data"] == []
    await api.ask("POST", "/api/keys", {"name": "app"}, role="admin")
    assert [one["action"] for one in (await api.ask("GET", PATH, role="admin"))["data"]] == ["create_key"]


async def test_pages_and_who_may_look(api: Api) -> None:
    for number in range(3):
        await api.ask("PUT", f"/api/groups/g{number}", {"multiplier": "1"}, role="admin")
    first = await api.ask("GET", PATH, role="admin", query="limit=2")
    rest = await api.ask("GET", PATH, role="admin", query=f"limit=2&after={first['next']}")
    assert [one["subject"] for one in first["data"] + rest["data"]] == ["g2", "g1", "g0"]
    assert rest["next"] is None
    with pytest.raises(PermissionDenied):
        await api.ask("GET", PATH)
    with pytest.raises(InvalidRequest):
        await api.ask("GET", PATH, role="admin", query="after=x")
