"""The system API in the shape that its clients know."""

from typing import Any

import msgspec
import pytest
from tests.integration.control.conftest import Room

from modelgate.control.yescale import encode_yescale_error
from modelgate.control.yescale_reference import MAX_OFFSET, MAX_OFFSET_OF_BOTH, MAX_PAGE_SIZE
from modelgate.core.errors import Overloaded, UnknownPath
from modelgate.core.records import Task
from modelgate.storage.identity import create_account, list_keys
from modelgate.storage.ledger import credit
from modelgate.storage.tasks import insert_task

pytestmark = pytest.mark.anyio

KEY_FIELDS = {
    "id",
    "user_id",
    "name",
    "key",
    "status",
    "created_time",
    "accessed_time",
    "expired_time",
    "remain_quota",
    "used_quota",
    "unlimited_quota",
    "group",
    "model_limits_enabled",
    "model_limits",
    "allow_ips",
    "DeletedAt",
}


class Client:
    """A program with an access key."""

    def __init__(self, room: Room, key: str) -> None:
        self.room = room
        self.key = key

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.room.ask(method, f"/yescale/{path}", body, key=self.key)
        assert answer.status == 200, answer
        assert (answer.json["message"], answer.json["success"]) == ("", True)
        return answer.json.get("data")

    async def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        answer = await self.room.ask(method, f"/yescale/{path}", body, key=self.key)
        return answer.status, answer.message

    async def create(self, name: str = "my app", **about: Any) -> Any:
        return await self.ask("POST", "createkey", {"name": name, "remain_quota": 500_000, **about})


async def client_of(room: Room, cookie: str) -> Client:
    return Client(room, (await room.ask("POST", "/api/me/access-key", cookie=cookie)).json["access_key"])


async def test_the_user(room: Room) -> None:
    client = await client_of(room, await room.owner())
    room.database.run(credit, account=room.account, book="live", amount_nanos=9_500_000_000, idempotency_key="a", now=room.now)
    assert await client.ask("GET", "user") == {
        "access_token": f"{client.key[:8]}…{client.key[-4:]}",
        "display_name": "Olga",
        "email": "owner@example.com",
        "quota": 4_750_000,
        "used_quota": 0,
        "request_count": 0,
        "role": 100,
        "telegram_id": "",
        "username": "owner@example.com",
    }
    assert (await client.ask("GET", "user?book=test"))["quota"] == 0


async def test_keys_from_making_to_deleting(room: Room) -> None:
    client = await client_of(room, await room.join("member", "max"))
    made = await client.create()
    assert set(made) == KEY_FIELDS
    assert made["key"].startswith("sk-live-")
    assert len(made["key"]) == 48
    assert (made["remain_quota"], made["unlimited_quota"], made["expired_time"], made["status"]) == (500_000, False, -1, 1)

    (listed,) = await client.ask("GET", "apikeylist")
    assert listed == {**made, "key": f"sk-live-**********{made['key'][-4:]}"}

    edited = await client.ask("PUT", f"editquota/{made['id']}", {"remain_quota": 50_000_000})
    assert edited == {**listed, "remain_quota": 50_000_000}
    (stored,) = room.database.read(list_keys)
    assert stored.limit_nanos == 100_000_000_000

    assert await client.ask("DELETE", f"deletekey/{made['id']}") is None
    assert await client.ask("GET", "apikeylist") == []
    for method, path, body in (("DELETE", "deletekey", None), ("PUT", "editquota", {"remain_quota": 1})):
        assert await client.refused(method, f"{path}/{made['id']}", body) == (404, "You have no key with that id.")


async def test_the_envelope_of_a_deletion_is_the_envelope_alone(room: Room) -> None:
    client = await client_of(room, await room.owner())
    made = await client.create()
    answer = await room.ask("DELETE", f"/yescale/deletekey/{made['id']}", key=client.key)
    assert answer.json == {"message": "", "success": True}


async def test_a_key_is_found_by_its_id_elsewhere_too(room: Room) -> None:
    client = await client_of(room, await room.owner())
    await client.create()
    (stored,) = room.database.read(list_keys)
    assert (await client.ask("PUT", f"editquota/{stored.id}", {"remain_quota": 1}))["remain_quota"] == 1


async def test_keys_are_looked_for(room: Room) -> None:
    client = await client_of(room, await room.owner())
    room.now += 1
    first = await client.create("My App")
    room.now += 1
    second = await client.create("other")
    await client.ask("POST", "createkey?book=test", {"name": "a test", "unlimited_quota": True})

    async def names(query: str) -> list[str]:
        return [one["name"] for one in await client.ask("GET", f"apikeylist?{query}")]

    assert await names("") == ["other", "My App"]
    assert await names("keyword=app") == ["My App"]
    assert await names("keyword=APP&token=&p=1&whatever=2") == ["My App"]
    assert await names(f"token={second['key']}") == ["other"]
    assert await names(f"token=sk-live-**********{first['key'][-4:]}") == ["My App"]
    assert await names("token=nonsense") == []
    assert await names("book=test") == ["a test"]


async def test_what_a_key_may_be_told(room: Room) -> None:
    client = await client_of(room, await room.owner())
    made = await client.create(
        expired_time=int(room.now) + 60,
        model_limits_enabled=True,
        model_limits="gpt-4o, claude,gpt-4o",
        allow_ips="192.0.2.1\n10.0.0.0/8",
        group="gold",
        cross_group_retry=True,
        unlimited_quota=True,
    )
    (stored,) = room.database.read(list_keys)
    assert (stored.models, stored.ips, stored.group, stored.limit_nanos) == (
        ("gpt-4o", "claude"),
        ("192.0.2.1", "10.0.0.0/8"),
        "gold",
        None,
    )
    assert (made["model_limits"], made["allow_ips"], made["group"]) == ("gpt-4o,claude", "192.0.2.1\n10.0.0.0/8", "gold")
    assert (made["expired_time"], made["unlimited_quota"], made["remain_quota"]) == (int(room.now) + 60, True, 0)
    plain = await client.create(model_limits="gpt-4o", model_limits_enabled=False)
    assert (plain["model_limits_enabled"], plain["model_limits"]) == (False, "")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "x" * 51}, "name"),
        ({"name": " "}, "name: it is empty."),
        ({"name": 7}, "name"),
        ({"remain_quota": -1}, "remain_quota"),
        ({"remain_quota": 10**16}, "remain_quota"),
        ({"remain_quota": None}, "remain_quota is missing"),
        ({"expired_time": -2}, "expired_time"),
        ({"expired_time": 1000}, "expired_time: it is in the past."),
        ({"expired_time": 1_790_000_000_000}, "expired_time"),
        ({"allow_ips": "nowhere"}, "allow_ips: 'nowhere' is not"),
        ({"model_limits_enabled": True, "model_limits": "gpt-*-mini"}, "model_limits: 'gpt-*-mini' is not a model's name"),
        ({"model_limits_enabled": True, "model_limits": ",".join(map(str, range(501)))}, "model_limits: it has more than 500"),
    ],
)
async def test_what_a_key_may_not_be_told(room: Room, wrong: dict[str, Any], said: str) -> None:
    client = await client_of(room, await room.owner())
    status, message = await client.refused("POST", "createkey", {"name": "n", "remain_quota": 1, **wrong})
    assert status == 400
    assert message.startswith(said)
    assert room.database.read(list_keys) == ()


async def test_others_do_not_see_it(room: Room) -> None:
    owner = await client_of(room, await room.owner())
    made = await owner.create()
    room.database.run(create_account, name="acme", now=room.now)
    stranger_cookie = await room.join("member", "max")
    await room.ask("PATCH", f"/api/members/{await room.id_of(stranger_cookie)}", {"account": "acme"}, key=owner.key)
    stranger = await client_of(room, stranger_cookie)
    assert await stranger.ask("GET", "apikeylist") == []
    assert (await stranger.refused("DELETE", f"deletekey/{made['id']}"))[0] == 404
    assert (await stranger.refused("PUT", f"editquota/{made['id']}", {"remain_quota": 1}))[0] == 404
    assert (await stranger.refused("POST", "createkey", {"name": "n", "remain_quota": 1, "group": "gold"}))[0] == 403
    assert len(await owner.ask("GET", "apikeylist")) == 1


async def test_viewers_look_only(room: Room) -> None:
    owner = await client_of(room, await room.owner())
    made = await owner.create()
    viewer = await client_of(room, await room.join("viewer", "vera"))
    assert len(await viewer.ask("GET", "apikeylist")) == 1
    for method, path, body in (
        ("POST", "createkey", {"name": "n", "remain_quota": 1}),
        ("DELETE", f"deletekey/{made['id']}", None),
        ("PUT", f"editquota/{made['id']}", {"remain_quota": 1}),
    ):
        assert (await viewer.refused(method, path, body))[0] == 403


async def test_nobody_is_turned_away(room: Room) -> None:
    await room.owner()
    for path in ("user", "apikeylist", "logs", "task?start_timestamp=1&end_timestamp=2"):
        assert (await room.ask("GET", f"/yescale/{path}")).code == "sign_in_needed"
        assert (await room.ask("GET", f"/yescale/{path}", key="ak-nobodys")).code == "unknown_access_key"


async def test_tasks(room: Room) -> None:
    client = await client_of(room, await room.owner())
    made = await client.create()
    task = Task(
        id="task_1",
        account=room.account,
        key=room.database.read(list_keys)[0].id,
        book="live",
        family="kling",
        operation="image",
        model="kling-v1",
        state="queued",
        request=b"{}",
        amount_nanos=4000,
        created_at=room.now + 0.7,
        updated_at=room.now,
        due_at=room.now,
        deadline_at=room.now,
    )
    room.database.run(insert_task, task, period="all", limit_nanos=None, owner="w", lease_until=room.now)
    now = int(room.now)
    (item,) = await client.ask("GET", f"task?start_timestamp={now}&end_timestamp={now}")
    assert item["task_id"] == "task_1"
    assert (item["status"], item["quota"], item["progress"], item["user_id"]) == ("QUEUED", 2, "0%", made["user_id"])
    assert await client.ask("GET", f"task?start_timestamp={now + 2}&end_timestamp={now + 9}") == []
    assert await client.ask("GET", f"task?start_timestamp={now}&end_timestamp={now + 9}&p=2&page_size=1") == []
    status, message = await client.refused("GET", f"task?start_timestamp={now}")
    assert (status, message) == (400, "end_timestamp is missing.")


async def test_the_log(room: Room) -> None:
    client = await client_of(room, await room.owner())
    room.database.run(
        credit, account=room.account, book="live", amount_nanos=1_000_000_000, idempotency_key="a", note="hello", now=room.now
    )
    (line,) = await client.ask("GET", "logs")
    assert set(line) == {
        *("id", "user_id", "created_at", "type", "content", "username", "token_name", "model_name", "quota", "prompt_tokens"),
        *("completion_tokens", "use_time", "is_stream", "channel", "token_id", "group", "ip", "other"),
    }
    assert (line["type"], line["quota"], line["content"], line["username"]) == (1, 500_000, "hello", "owner@example.com")
    now = int(room.now)
    for query, found in (
        ("type=1", 1),
        ("type=2", 0),
        ("type=3", 0),
        ("username=owner@example.com", 1),
        ("username=somebody", 0),
        (f"start_timestamp={now}&end_timestamp={now}", 1),
        (f"start_timestamp={now + 1}", 0),
        (f"end_timestamp={now - 2}", 0),
        ("token_name=x", 0),
        ("p=2", 0),
        ("p=1&page_size=1&group=&channel=", 1),
    ):
        assert len(await client.ask("GET", f"logs?{query}")) == found, query
    deep = MAX_OFFSET_OF_BOTH // MAX_PAGE_SIZE + 2
    assert await client.ask("GET", f"logs?token_name=x&p={deep}") == await client.ask("GET", f"logs?model_name=x&p={deep}") == []
    for query in (
        "p=0",
        "page_size=0",
        f"token_name=x&model_name=x&p={deep}",
        f"page_size={MAX_PAGE_SIZE + 1}",
        f"p={MAX_OFFSET // MAX_PAGE_SIZE + 2}",
        "type=x",
        "end_timestamp=-1",
    ):
        assert (await client.refused("GET", f"logs?{query}"))[0] == 400, query


async def test_a_page_for_which_too_much_is_looked_through_is_refused(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await client_of(room, await room.owner())
    await client.create("x")
    monkeypatch.setattr("modelgate.storage.account_log.MAX_STEPS", 0)
    status, message = await client.refused("GET", "logs?model_name=x")
    assert (status, message.partition(";")[0]) == (400, "start_timestamp is beyond what can be listed")


def test_errors_come_in_the_envelope() -> None:
    answer = encode_yescale_error(Overloaded(retry_after_s=2.0), "req_1")
    assert answer.status == 503
    assert answer.headers.get(b"retry-after") == b"2"
    assert isinstance(answer.body, bytes)
    body = msgspec.json.decode(answer.body)
    assert body == {"message": "The gateway is busy. Try again shortly. (request id: req_1)", "data": None, "success": False}
    assert encode_yescale_error(UnknownPath(), "").status == 404
