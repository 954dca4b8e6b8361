"""Every way to use the account API that the documentation shows, sent as it is shown, with keys, accounts and tasks of one's own in the place of
its examples: it works, and is answered in the shape that is shown."""

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from tests.integration.gateway.conftest import Installation, record_of
from tests.integration.gateway.plain_http import send
from tests.integration.gateway.test_account_api import PASSWORD, Browser, Reply
from tests.integration.portal.answers import differences
from tests.webhook_receiver import Receiver

from modelgate.app.endpoints import every_endpoint
from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.media.family import load_media_families
from modelgate.portal.examples import example_of

pytestmark = pytest.mark.slow
SHOWN_EMAIL = "ada@example.com"
PREFIXES = ("/api/", "/yescale/")
TABLE = {endpoint.name: endpoint for endpoint in every_endpoint(load_media_families()) if endpoint.path.startswith(PREFIXES)}
CASES = [(endpoint, case) for endpoint in TABLE.values() for case in endpoint.cases]
BEFORE = {
    "delete_access_key": "make_access_key",
    "sign_up": "set_setting",
    "unset_price": "set_price",
    "unset_group": "set_group",
}
"""What makes the thing that an example takes away, or lets it."""
OF_ONES_OWN = re.compile(r"/(?:models|request|units)/[^/]+$")
"""Names that an operator or caller has chosen, or that differ with what was counted."""
NOWHERE = "http://127.0.0.1:9/v1"
SLOW = {"model": "gen4.5", "operation": "video", "input": {"prompt": "magic: slow-task\nA lighthouse at dusk", "seconds": 5}}
PICTURE = {"model": "kling-v1", "operation": "image", "input": {"prompt": "a lighthouse"}}


def name_of(value: object) -> str:
    return value.name if isinstance(value, Endpoint | Case) else ""


class Scene:
    """A running installation in whose account something has happened, and its first owner."""

    def __init__(self, installation: Installation, receiver: Receiver) -> None:
        self.installation = installation
        self.receiver = receiver
        self.owner = Browser(installation)
        token = installation.console_url.partition("#token=")[2]
        self.set_up = self.send(self.owner, _shown("set_up").replace(TOKEN, token))  # what the first owner got
        asked = {"model": "sandbox-chat", "messages": [{"role": "user", "content": "Hello"}]}
        chat = send(f"{installation.base_url}/v1/chat/completions", key=installation.test_key, body=asked, method="POST")
        self.request_id = str(chat.headers["x-request-id"])
        record_of(installation, self.request_id)
        self.task_id = self.task(PICTURE, callback_url=f"{receiver.origin}/hook")
        receiver.of(self.task_id, '"succeeded"')
        for name in ("create_key", "add_upstream", "create_redemption_codes", "invite_member", "set_price", "set_group", "credit_account"):
            assert self.send(self.owner, self.real(_shown(name))).status < 300, name

    def send(self, browser: Browser, text: str, **headers: str) -> Reply:
        """Send an example, given as JSON."""
        example = json.loads(text)
        query = "&".join(f"{name}={value}" for name, value in example["query"])
        path = example["path"] + (f"?{query}" if query else "")
        return browser.ask(example["method"], path, example["body"], origin=self.installation.base_url, **headers)

    def made(self, method: str, path: str, body: Any) -> Any:
        reply = self.owner.ask(method, path, body, origin=self.installation.base_url)
        assert reply.status < 300, reply
        return reply.json

    def task(self, body: dict[str, Any], **more: Any) -> str:
        base_url = self.installation.base_url
        return str(send(f"{base_url}/v1/tasks", key=self.installation.test_key, body={**body, **more}, method="POST").body["id"])

    def joined(self) -> Browser:
        """Return the browser of another owner."""
        link = self.made("POST", "/api/members", {"email": f"{secrets.token_hex(6)}@example.com", "role": "owner"})
        browser = Browser(self.installation)
        body = {"token": link["invitation_url"].partition("#token=")[2], "name": "Ada", "password": PASSWORD}
        assert browser.ask("POST", "/api/join", body, origin=self.installation.base_url).status == 201
        return browser

    def real(self, text: str) -> str:
        """Return an example with something real for each thing in it that is made up."""
        for shown, make in MADE_UP.items():
            if shown in text:
                text = text.replace(shown, str(make(self)))
        return text


TOKEN = "Zk3vH0qLxY2mPc8dTn5wRb9sJf6gAe1uVi4yKo7h"
MADE_UP: dict[str, Callable[[Scene], Any]] = {
    TOKEN: lambda scene: scene.made("POST", "/api/members", {"email": f"{secrets.token_hex(6)}@example.com", "role": "viewer"})[
        "invitation_url"
    ].partition("#token=")[2],
    "grace@example.com": lambda _: f"{secrets.token_hex(6)}@example.com",
    "mem_8sW1xQk3ZtB6yRj0NvLcHa": lambda scene: scene.joined().ask("GET", "/api/me").json["member"]["id"],
    "inv_5nR2wTq8YxKd0LzVhGcMbJ": lambda scene: scene.made(
        "POST", "/api/members", {"email": f"{secrets.token_hex(6)}@example.com", "role": "viewer"}
    )["invitation"]["id"],
    "key_5fWq2ZtYb8mXcR3nVsLk9P": lambda scene: scene.made("POST", "/api/keys", {"name": "k"})["id"],
    "2207613492185321": lambda scene: _own_key(scene),
    "acct_8hTn4JrKc2pWd6vBqSyM1L": lambda scene: scene.made("POST", "/api/accounts", {"name": secrets.token_hex(6)})["id"],
    "payment-4711": lambda _: secrets.token_hex(6),
    "up_3mKx8QpLw2VbTnZc5RyD7S": lambda scene: scene.made(
        "POST",
        "/api/upstreams",
        {"provider": "vllm", "name": secrets.token_hex(6), "base_url": NOWHERE, "models": {"m": "m"}, "secrets": ["s"]},
    )["id"],
    "own server": lambda _: secrets.token_hex(6),
    "code_2sYhP7bQw9TnZcXv4LkR8M": lambda scene: scene.made("POST", "/api/redemption-codes", {"amount_nanos": 1})["data"][0]["id"],
    "MG-7K2M-9QXW-4TRB-P6ZD-H8JN": lambda scene: scene.made("POST", "/api/redemption-codes", {"amount_nanos": 1})["data"][0]["code"],
    "req_01a1f0e2b3c7f29a4d1e0b63": lambda scene: scene.request_id,
    "1763884926": lambda _: int(time.time()) + 1,
}
"""What the examples make up -> how something of this installation is made in its place."""


def _own_key(scene: Scene) -> str:
    """Return the number of a key, as clients of the system API know it."""
    secret = scene.made("POST", "/api/me/access-key", None)["access_key"]
    made = Browser(scene.installation).ask("POST", "/yescale/createkey", {"name": "k", "remain_quota": 1}, authorization=f"Bearer {secret}")
    return str(made.json["data"]["id"])


def _shown(name: str, case: Case | None = None) -> str:
    """Return an example of an endpoint as JSON."""
    endpoint = TABLE[name]
    return msgspec.json.encode(example_of(endpoint, case or endpoint.cases[0], None)).decode()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """A server of a caller's, which hears of tasks."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Scene]:
    running = Installation(tmp_path_factory.mktemp("account") / "data", "--webhook-origins", receiver.origin)
    try:
        yield Scene(running, receiver)
    finally:
        assert running.stop() == 0


def answer_to(scene: Scene, endpoint: Endpoint, case: Case) -> Reply:
    """Send an example, by an owner who has just joined; lists are asked of the test book, but for the ledger's: money came in in the live one."""
    text = _shown(endpoint.name, case)
    browser = Browser(scene.installation) if endpoint.name in ("get_state", "sign_up", "join", "sign_in") else scene.joined()
    if endpoint.name == "sign_in":
        text = text.replace(SHOWN_EMAIL, scene.joined().ask("GET", "/api/me").json["member"]["email"])
    if endpoint.name == "sign_up":
        text = text.replace(SHOWN_EMAIL, f"{secrets.token_hex(6)}@example.com")
    task = scene.task(SLOW) if endpoint.name == "cancel_account_task" else scene.task_id
    text = text.replace("task_4fK2mQpX7cVbN1sLr8YwZd", task)
    before = BEFORE.get(endpoint.name)
    if before is not None:
        assert scene.send(browser if browser.cookie else scene.owner, scene.real(_shown(before))).status < 300
    if endpoint.method == "GET" and "book" in getattr(endpoint.query, "__struct_fields__", ()) and endpoint.name != "list_ledger":
        text = json.dumps({**(shown := json.loads(text)), "query": [*shown["query"], ["book", "test"]]})
    headers = {}
    if endpoint.path.startswith("/yescale/"):
        text = scene.real(text)
        secret = scene.made("POST", "/api/me/access-key", None)["access_key"]
        headers, browser = {"authorization": f"Bearer {secret}"}, Browser(scene.installation)
    return scene.send(browser, scene.real(text), **headers)


@pytest.mark.parametrize(("endpoint", "case"), CASES, ids=name_of)
def test_a_case_is_answered_as_is_shown(scene: Scene, endpoint: Endpoint, case: Case) -> None:
    answer = scene.set_up if endpoint.name == "set_up" else answer_to(scene, endpoint, case)
    assert answer.status == case.status, answer.body
    if case.response is None:
        assert (answer.body.count(b"\n") > 1) if endpoint.name == "export_requests" else answer.body == b""
        return
    assert [line for line in differences(case.response, answer.json) if not OF_ONES_OWN.search(line)] == []
    if isinstance(case.response.get("data"), list):
        assert answer.json["data"], "an example of a list is compared with rows"
