"""Upstreams over the account API, on real databases."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import insert

from modelgate.control.errors import NoSuchObject
from modelgate.control.upstreams import HEALTH_WINDOW_S
from modelgate.core.errors import InvalidRequest, PermissionDenied
from modelgate.core.records import RequestFacts
from modelgate.core.upstreams import Verdict
from modelgate.storage.cipher import Cipher
from modelgate.storage.errors import NameTaken
from modelgate.storage.schema.money import request_record
from modelgate.storage.upstreams import get_upstream

from .api import NOW, SECRET, Api

pytestmark = pytest.mark.anyio

PATH = "/api/upstreams"
BODY = {"provider": "openai", "name": "mine", "secrets": ["first-secret", "second-secret"], "models": {"m": "n"}, "weight": 3}


async def admin(api: Api, method: str, path: str, body: Any = None) -> Any:
    return await api.ask(method, path, body, role="admin")


async def test_secrets_go_in_and_never_come_back(api: Api) -> None:
    added = await admin(api, "POST", PATH, BODY)
    changed = await admin(api, "PATCH", f"{PATH}/{added['id']}", {"secrets": ["third-secret"]})
    tested = await admin(api, "POST", f"{PATH}/{added['id']}/test")
    listed = await admin(api, "GET", PATH)
    assert (added["secrets_count"], changed["secrets_count"]) == (2, 1)
    assert b"-secret" not in msgspec.json.encode([added, changed, tested, listed])
    stored = api.database.read(get_upstream, "mine", Cipher(SECRET))
    assert [one.secret for one in stored.credentials] == ["third-secret"]


async def test_what_is_not_named_is_the_vendors_or_stays(api: Api) -> None:
    added = await admin(api, "POST", PATH, BODY)
    assert (added["base_url"], added["weight"], added["priority"], added["free"]) == ("https://api.openai.com/v1", 3, 0, False)
    path = f"{PATH}/{added['id']}"
    changed = await admin(api, "PATCH", path, {"base_url": "http://10.0.0.5:8000/v1/", "disabled": True})
    assert changed == {**added, "base_url": "http://10.0.0.5:8000/v1", "disabled": True}
    assert (await admin(api, "PATCH", path, {"base_url": ""}))["base_url"] == added["base_url"]
    assert (await admin(api, "PATCH", path, {}))["disabled"] is True


async def test_names(api: Api) -> None:
    await admin(api, "POST", PATH, BODY)
    with pytest.raises(NameTaken):
        await admin(api, "POST", PATH, BODY)
    unnamed = {name: value for name, value in BODY.items() if name != "name"}
    assert [(await admin(api, "POST", PATH, unnamed))["name"] for _ in range(2)] == ["openai", "openai-2"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"provider": "nobody"}, "provider"),
        ({"secrets": []}, "secrets"),
        ({"secrets": [""]}, "secrets"),
        ({"base_url": "ftp://x"}, "base_url"),
        ({"base_url": "http://"}, "base_url"),
        ({"provider": "azure"}, "base_url"),
        ({"weight": -1}, "weight"),
        ({"weight": 1001}, "weight"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"name": " "}, "name"),
        ({"models": {"": "x"}}, "models"),
        ({"cancel": "perhaps"}, "cancel"),
    ],
)
async def test_what_cannot_be_used_is_refused_by_name(api: Api, body: Any, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await admin(api, "POST", PATH, {**BODY, **body})
    assert (refused.value.param or "").startswith(field)


async def test_no_file_or_socket_of_the_server_is_chosen_from_afar(api: Api) -> None:
    for field in ("socket", "ca_file"):
        with pytest.raises(InvalidRequest):
            await admin(api, "POST", PATH, {**BODY, field: "/etc/passwd"})


async def test_a_test_says_what_is_wrong_with_which_key(api: Api) -> None:
    added = await admin(api, "POST", PATH, BODY)
    api.verdicts = (
        Verdict(credential="a", ok=True, text="it works and has 1 models: n", status=200, latency_ms=7, models=("n",)),
        Verdict(credential="b", ok=False, text="the vendor does not take the key (it answered 401)", status=401, latency_ms=9),
    )
    told = await admin(api, "POST", f"{PATH}/{added['id']}/test")
    assert (told["ok"], told["status"], told["latency_ms"]) == (False, 401, 9)
    assert [one["ok"] for one in told["credentials"]] == [True, False]
    assert [one.secret for one in api.probed[0].credentials] == ["first-secret", "second-secret"]
    with pytest.raises(NoSuchObject):
        await admin(api, "POST", f"{PATH}/up_9/test")


async def test_health_is_what_ended_there_lately(api: Api) -> None:
    added = await admin(api, "POST", PATH, BODY)
    assert added["health"]["state"] == "idle"

    def record(number: int, *, age_s: float, status: int, error: str = "") -> dict[str, Any]:
        facts = RequestFacts("m", 0, "", api.account, "key_1", "live", "chat", status=status, error=error)
        zeros = ("input_tokens", "output_tokens", "amount_nanos", "hold_nanos", "overrun_nanos", "first_byte_ms", "total_ms", "batch")
        return {
            "incarnation": "inc_1",
            "hold_seq": number,
            "request_id": f"req_{number}",
            "at_ms": int((NOW - age_s) * 1000),
            "account": api.account,
            "key": "key_1",
            "period": "all",
            "book": "live",
            "model": "m",
            "upstream": added["id"],
            "status": status,
            "outcome": "captured",
            "estimated": False,
            "facts": msgspec.msgpack.encode(facts),
            **dict.fromkeys(zeros, 0),
        }

    async def health_with(rows: list[dict[str, Any]]) -> Any:
        api.database.run(lambda connection: connection.execute(insert(request_record), rows))
        return (await admin(api, "GET", PATH))["data"][0]["health"]

    health = await health_with(
        [
            record(1, age_s=HEALTH_WINDOW_S + 10, status=500),
            record(2, age_s=60, status=200),
            record(3, age_s=50, status=502, error="upstream_unreachable"),
            record(4, age_s=40, status=400),
        ]
    )
    assert (health["state"], health["requests"], health["failed"]) == ("ok", 3, 1)
    assert (health["last_error"], health["last_status"], health["last_failed_at"]) == ("upstream_unreachable", 502, NOW - 50)
    assert health["last_ok_at"] == NOW - 40
    health = await health_with([record(5, age_s=5, status=504, error="upstream_timeout"), record(6, age_s=6, status=429)])
    assert (health["state"], health["failed"], health["last_error"]) == ("failing", 3, "upstream_timeout")


async def test_forgotten(api: Api) -> None:
    added = await admin(api, "POST", PATH, BODY)
    await admin(api, "DELETE", f"{PATH}/{added['id']}")
    assert (await admin(api, "GET", PATH))["data"] == []
    with pytest.raises(NoSuchObject):
        await admin(api, "DELETE", f"{PATH}/{added['id']}")


async def test_providers_say_what_they_need(api: Api) -> None:
    providers = {one["name"]: one for one in (await admin(api, "GET", "/api/providers"))["data"]}
    assert (providers["openai"]["needs_secret"], providers["openai"]["needs_base_url"]) == (True, False)
    assert (providers["vllm"]["needs_secret"], providers["azure"]["needs_base_url"]) == (False, True)
    assert "image" in providers["kling"]["operations"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", PATH), ("POST", PATH), ("DELETE", f"{PATH}/x"), ("POST", f"{PATH}/x/test"), ("GET", "/api/providers")]
)
async def test_members_see_none_of_it(api: Api, method: str, path: str) -> None:
    with pytest.raises(PermissionDenied):
        await api.ask(method, path, BODY)
