"""Keys over the account API, on real databases."""

from typing import Any

import pytest

from modelgate.control.errors import NoSuchObject
from modelgate.core.errors import InvalidRequest, PermissionDenied
from modelgate.core.members import Role
from modelgate.identity.key_bounds import MAX_EXPIRY_AT
from modelgate.identity.keys import digest_of
from modelgate.storage.identity import find_key
from modelgate.storage.ledger_tasks import close_task_hold, open_task_hold

from .api import NOW, Api

pytestmark = pytest.mark.anyio

KEYS = "/api/keys"


async def make(api: Api, *, role: Role = "member", account: str = "", **body: Any) -> Any:
    return await api.ask("POST", KEYS, {"name": "app", **body}, role=role, account=account)


async def test_a_key_is_made_and_its_secret_answered_once(api: Api) -> None:
    answer, made = await api.answer("POST", KEYS, {"name": " app ", "limit_nanos": 5, "limit_reset": "daily", "models": ["a", "a", "b"]})
    assert answer.status == 201
    secret = made["secret"]
    assert secret.startswith("sk-live-")
    found = api.database.read(find_key, digest_of(secret))
    assert found is not None
    assert (found.id, found.account, found.name, found.models) == (made["id"], api.account, "app", ("a", "b"))
    shown = await api.ask("GET", f"{KEYS}/{made['id']}")
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert (shown["state"], shown["limit_nanos"], shown["limit_reset"], shown["account_name"]) == ("active", 5, "daily", "default")
    assert shown["hint"] == f"sk-live-…{secret[-4:]}"


async def test_a_key_of_the_test_book(api: Api) -> None:
    assert (await make(api, book="test"))["secret"].startswith("sk-test-")
    assert (await api.ask("GET", KEYS, query="book=live"))["data"] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "   "),
        ("name", "x" * 201),
        ("limit_nanos", -1),
        ("limit_nanos", 1.5),
        ("limit_reset", "hourly"),
        ("ips", ["10.0.0.0/33"]),
        ("ips", [""]),
        ("models", [" "]),
        ("models", ["gpt-*-mini"]),
        ("rpm", 0),
        ("tpm", 10**12),
        ("expires_at", NOW),
        ("expires_at", MAX_EXPIRY_AT + 1),
        ("cache_s", 0),
        ("book", "other"),
        ("group", ""),
    ],
)
async def test_what_cannot_be_used_is_refused_by_name(api: Api, field: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await make(api, **{field: value})
    assert (refused.value.param or "").startswith(field)


async def test_an_unknown_field_is_refused(api: Api) -> None:
    with pytest.raises(InvalidRequest):
        await make(api, secret="sk-live-mine")  # nobody chooses their own


@pytest.mark.parametrize(
    "change", [("PATCH", "", {"name": "x"}), ("DELETE", "", None), ("POST", "/rotate", {}), ("POST", "/disable", None)]
)
async def test_another_accounts_key_is_absent(api: Api, change: tuple[str, str, Any]) -> None:
    key = (await make(api, account=api.other))["id"]
    method, path, body = change
    for call in (("GET", "", None), change):
        with pytest.raises(NoSuchObject):
            await api.ask(call[0], f"{KEYS}/{key}{call[1]}", call[2])
    assert (await api.ask("GET", KEYS))["data"] == []
    await api.ask(method, f"{KEYS}/{key}{path}", body, role="admin")


async def test_a_viewer_looks_and_a_member_makes_no_keys_for_others(api: Api) -> None:
    with pytest.raises(PermissionDenied):
        await make(api, role="viewer")
    with pytest.raises(PermissionDenied):
        await api.ask("POST", KEYS, {"name": "app", "account": api.other})
    assert (await api.ask("GET", KEYS, role="viewer"))["data"] == []


async def test_owners_and_admins_see_all_and_choose_an_account(api: Api) -> None:
    made = await api.ask("POST", KEYS, {"name": "app", "account": api.other}, role="admin")
    assert made["account"] == api.other
    await make(api)
    assert {one["account"] for one in (await api.ask("GET", KEYS, role="owner"))["data"]} == {api.account, api.other}
    only = await api.ask("GET", KEYS, role="owner", query=f"account={api.other}")
    assert [one["id"] for one in only["data"]] == [made["id"]]
    with pytest.raises(PermissionDenied):
        await api.ask("GET", KEYS, query=f"account={api.other}")
    with pytest.raises(NoSuchObject):
        await api.ask("POST", KEYS, {"name": "app", "account": "acct_9"}, role="admin")


async def test_a_price_group_is_not_chosen_by_who_pays(api: Api) -> None:
    with pytest.raises(PermissionDenied):
        await make(api, group="cheap")
    key = (await make(api))["id"]
    with pytest.raises(PermissionDenied):
        await api.ask("PATCH", f"{KEYS}/{key}", {"group": "cheap"})
    assert (await api.ask("PATCH", f"{KEYS}/{key}", {"group": "cheap"}, role="admin"))["group"] == "cheap"
    assert (await api.ask("PATCH", f"{KEYS}/{key}", {"group": "cheap", "name": "new"}))["name"] == "new", "what it is already may be said"


async def test_a_change_leaves_the_rest_and_null_takes_a_bound_away(api: Api) -> None:
    key = (await make(api, rpm=5, tpm=7, limit_nanos=9))["id"]
    changed = await api.ask("PATCH", f"{KEYS}/{key}", {"rpm": None, "limit_nanos": 3})
    assert (changed["rpm"], changed["tpm"], changed["limit_nanos"]) == (None, 7, 3)
    assert await api.ask("PATCH", f"{KEYS}/{key}", {}) == changed


async def test_a_limit_below_what_was_spent_exhausts_the_key(api: Api) -> None:
    key = (await make(api, limit_nanos=1000))["id"]

    def spend(connection: Any) -> None:
        hold = {"account": api.account, "book": "live", "key": key, "period": "all", "limit_nanos": 1000, "amount_nanos": 600}
        open_task_hold(connection, task="task_1", **hold)
        close_task_hold(connection, task="task_1", captured_nanos=500)

    api.database.run(spend)
    shown = await api.ask("GET", f"{KEYS}/{key}")
    assert (shown["spent_nanos"], shown["state"]) == (500, "active")
    assert (await api.ask("PATCH", f"{KEYS}/{key}", {"limit_nanos": 100}))["state"] == "exhausted"


async def test_a_key_expires(api: Api) -> None:
    key = (await make(api, expires_at=NOW + 10))["id"]
    api.now = NOW + 10
    assert (await api.ask("GET", f"{KEYS}/{key}"))["state"] == "expired"


async def test_disabled_and_enabled_again(api: Api) -> None:
    key = (await make(api))["id"]
    assert (await api.ask("POST", f"{KEYS}/{key}/disable"))["state"] == "disabled"
    assert (await api.ask("POST", f"{KEYS}/{key}/enable"))["state"] == "active"


async def test_a_new_secret_and_grace_for_the_old_one(api: Api) -> None:
    made = await make(api)
    again = await api.ask("POST", f"{KEYS}/{made['id']}/rotate", {"grace_s": 60})
    assert again["secret"] != made["secret"]
    assert again["id"] == made["id"]
    former = api.database.read(find_key, digest_of(made["secret"]))
    assert former is not None
    assert former.expires_at == NOW + 60
    await api.ask("POST", f"{KEYS}/{made['id']}/rotate")
    assert api.database.read(find_key, digest_of(made["secret"])) is None


async def test_a_deleted_key_is_gone(api: Api) -> None:
    made = await make(api)
    answer, _ = await api.answer("DELETE", f"{KEYS}/{made['id']}")
    assert answer.status == 204
    assert api.database.read(find_key, digest_of(made["secret"])) is None
    assert (await api.ask("GET", KEYS))["data"] == []
    with pytest.raises(NoSuchObject):
        await api.ask("POST", f"{KEYS}/{made['id']}/enable")


async def test_pages_of_keys(api: Api) -> None:
    made = []
    for number in range(5):
        api.now = NOW + number
        made.append((await make(api))["id"])
    first = await api.ask("GET", KEYS, query="limit=3")
    second = await api.ask("GET", KEYS, query=f"limit=3&after={first['next']}")
    assert [one["id"] for one in first["data"] + second["data"]] == made[::-1]
    assert second["next"] is None
