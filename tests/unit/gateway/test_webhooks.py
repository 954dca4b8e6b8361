"""Which addresses a task may name, and the deliveries that only their account sees."""

import importlib.util
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest, MethodNotAllowed, MissingKey, ModelgateError, TaskNotFound
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.records import ApiKey, Task
from modelgate.gateway.webhooks import (
    MAX_CALLBACK_CHARACTERS,
    WEBHOOK_ENDPOINTS,
    Deliveries,
    DeliveryList,
    DeliveryNotFound,
    DeliveryObject,
    DeliveryOutdated,
    callback_check,
)
from modelgate.identity.keys import digest_of
from modelgate.identity.table import KeyTable
from modelgate.tasks.webhooks import signature_headers

pytestmark = pytest.mark.anyio

NOW = 5_000.0
SECRETS = {name: f"sk-test-{name * 40}" for name in "ab"}
CHECK = callback_check(ports=(80, 443), own=("http://10.0.0.5:5678",))


def _load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"{name}_twin", Path(__file__).parents[2] / "twins" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "url", ["https://caller.example/hook", "http://caller.example", "http://10.0.0.5:5678/hook?a=b", "https://8.8.8.8/"]
)
def test_addresses_that_may_be_called(url: str) -> None:
    CHECK(url, "callback_url")


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("ftp://caller.example/", "does not start with http:// or https://"),
        ("caller.example/hook", "does not start with http:// or https://"),
        ("http://127.0.0.1/", "not a public one"),
        ("http://10.0.0.5/", "not a public one"),
        ("http://[::1]/", "not a public one"),
        ("http://169.254.169.254/latest/meta-data", "not a public one"),
        ("https://caller.example:22/", "port 22"),
        ("https://user:pass@caller.example/", "user information"),
        ("http://10.0.0.5:5678@caller.example/", "user information"),
        ("https://caller.example/" + "a" * MAX_CALLBACK_CHARACTERS, f"at most {MAX_CALLBACK_CHARACTERS}"),
    ],
)
def test_addresses_that_may_not(url: str, rule: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CHECK(url, "notifyHook")
    assert caught.value.param == "notifyHook"
    assert caught.value.message.startswith("notifyHook ")
    assert rule in caught.value.message


class Account:
    """Two accounts with a key each, and a task of the first."""

    def __init__(self) -> None:
        self.tasks = _load("task_store").MemoryTaskStore()
        self.store = _load("webhook_store").MemoryWebhookStore(self.tasks)
        self.keys = {
            digest_of(secret): ApiKey(id=f"key_{name}", account=f"acct_{name}", book="test", name="n", digest=digest_of(secret), hint="")
            for name, secret in SECRETS.items()
        }
        self.deliveries = Deliveries(keys=KeyTable(self._look_up), tasks=self.tasks, store=self.store, clock=lambda: NOW)

    async def _look_up(self, digest: str) -> tuple[ApiKey | None, str, float | None]:
        return self.keys.get(digest), "once", None

    async def bring(self, *states: str) -> None:
        task = Task(
            id="task_a", account="acct_a", key="key_a", book="test", family="kling", operation="image", model="m", state="queued",
            request=b"{}", updated_at=NOW, callback_url="https://caller.example/",
        )  # fmt: skip
        await self.tasks.insert(task, period="all", limit_nanos=None, lease_until=NOW)
        for state in states:
            task = await self.tasks.save(msgspec.structs.replace(task, state=state))

    async def ask(self, path: str, *, key: str = "a", method: str = "GET") -> Any:
        headers = HeaderBlock.of(("authorization", f"Bearer {SECRETS[key]}")) if key else HeaderBlock()
        request = HttpRequest(method=method, path=f"/v1/tasks/{path}", headers=headers)
        handle = self.deliveries.handle_redeliver if path.endswith("redeliver") else self.deliveries.handle_list
        response = await handle(request)
        assert response.status == 200
        return msgspec.json.decode(bytes(response.body))  # type: ignore[arg-type]  # bodies here are whole


@pytest.fixture
def account() -> Account:
    return Account()


async def test_the_history_of_a_task(account: Account) -> None:
    await account.bring("running", "waiting_input")
    found = (await account.ask("task_a/deliveries"))["data"]
    assert [(one["id"], one["task_state"], one["state"]) for one in found] == [
        ("hook_a_2", "waiting_input", "pending"),
        ("hook_a_1", "running", "pending"),
    ]
    assert (found[0]["next_try_at"], found[0]["sent_at"], found[0]["answer_status"], found[0]["error"]) == (5_000, None, None, None)


async def test_the_newest_is_sent_again(account: Account) -> None:
    await account.bring("running")
    account.store.rows["hook_a_1"] = msgspec.structs.replace(
        account.store.rows["hook_a_1"], state="failed", attempts=18, ended_at=NOW - 9, answer_status=500, error="no"
    )
    again = await account.ask("task_a/deliveries/hook_a_1/redeliver", method="POST")
    assert (again["state"], again["attempts"], again["next_try_at"], again["ended_at"]) == ("pending", 0, 5_000, None)


async def test_an_older_one_is_not(account: Account) -> None:
    await account.bring("running", "waiting_input")
    with pytest.raises(DeliveryOutdated):
        await account.ask("task_a/deliveries/hook_a_1/redeliver", method="POST")


@pytest.mark.parametrize(
    ("path", "method", "key", "error"),
    [
        ("task_a/deliveries", "GET", "b", TaskNotFound),
        ("task_b/deliveries", "GET", "a", TaskNotFound),
        ("task_a/deliveries", "GET", "", MissingKey),
        ("task_a/deliveries", "POST", "a", MethodNotAllowed),
        ("task_a/deliveries/hook_a_1/redeliver", "POST", "b", TaskNotFound),
        ("task_a/deliveries/hook_a_1/redeliver", "GET", "a", MethodNotAllowed),
        ("task_a/deliveries/hook_b_1/redeliver", "POST", "a", DeliveryNotFound),
    ],
)
async def test_what_is_not_there_for_this_caller(account: Account, path: str, method: str, key: str, error: type[ModelgateError]) -> None:
    await account.bring("running")
    with pytest.raises(error):
        await account.ask(path, method=method, key=key)


async def test_a_task_of_the_other_book_is_absent(account: Account) -> None:
    await account.bring("running")
    digest = digest_of(SECRETS["a"])
    account.keys[digest] = msgspec.structs.replace(account.keys[digest], book="live")
    with pytest.raises(TaskNotFound):
        await account.ask("task_a/deliveries")


def test_the_documented_answers_are_of_the_documented_types() -> None:
    for endpoint, kind in zip(WEBHOOK_ENDPOINTS, (DeliveryList, DeliveryObject), strict=True):
        for case in endpoint.cases:
            assert msgspec.to_builtins(msgspec.convert(case.response, kind)) == case.response


def test_the_sample_in_the_documentation_verifies_what_is_sent() -> None:
    page = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text()
    sample: dict[str, Any] = {}
    exec(page.split("```python\n")[1].split("```")[0], sample)  # our own page
    headers = dict(signature_headers(b"k" * 32, message_id="hook_a_1", timestamp=int(time.time()), body=b'{"a":1}'))
    secret = "whsec_a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="  # of the k's above
    assert sample["verify"](secret, headers, b'{"a":1}')
    assert not sample["verify"](secret, headers, b'{"a":2}')
    assert not sample["verify"](secret, {**headers, "webhook-id": "hook_a_2"}, b'{"a":1}')
    assert not sample["verify"](secret, {**headers, "webhook-timestamp": "1614265330"}, b'{"a":1}')
