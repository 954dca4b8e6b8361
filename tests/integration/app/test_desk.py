"""The whole way of a Kling picture through the real desk, store, worker, blob store and the make-believe vendor."""

import asyncio
import base64
import contextlib
import io
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image
from sqlalchemy import update

from modelgate.app.desk import Desk, listen_on
from modelgate.app.settings import Settings
from modelgate.app.worker import work
from modelgate.core.http import HeaderBlock
from modelgate.core.ids import new_id, new_secret
from modelgate.core.money import NANOS_PER_USD, Book
from modelgate.core.records import ApiKey
from modelgate.identity.keys import digest_of, hint_of
from modelgate.sandbox.server import make_app, make_server
from modelgate.sandbox.tokens import Tokenizer
from modelgate.storage.database import Database
from modelgate.storage.identity import KeyChanges, create_account, create_key, disable_key, edit_key, list_accounts
from modelgate.storage.ledger import set_credit_limit
from modelgate.storage.migrations import prepare
from modelgate.storage.schema.claims import idempotency_claim
from modelgate.storage.tasks import get_task
from modelgate.transport.client import Transport
from modelgate.transport.errors import ConnectFailed
from modelgate.transport.target import Target, target_of

IMAGES = "/kling/v1/images/generations"
WAIT_S = 60.0
PRICE_NANOS = NANOS_PER_USD // 200


class Answer(msgspec.Struct):
    status: int
    headers: HeaderBlock
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class House:
    """A running desk and sandbox on a directory of their own."""

    def __init__(self, folder: Path, *, database_url: str = "") -> None:
        self.settings = Settings(data=str(folder), public_url="https://gateway.example", port=0, database=database_url)
        prepare(self.settings.database_url)
        self.database = Database(self.settings.database_url)
        self.account = self.database.run(create_account, name="acme", now=1.0)
        self.secret, self.key = self.add_key()
        self.transport = Transport()
        self._desk_target = target_of("http://desk", socket=self.settings.desk_socket)
        self.sandbox_target = target_of("http://sandbox", socket=self.settings.sandbox_socket)

    def add_key(self, account: str | None = None, *, book: Book = "test", **about: Any) -> tuple[str, ApiKey]:
        secret = new_secret(test=book == "test")
        key = ApiKey(
            id=new_id("key"),
            account=account or self.account,
            book=book,
            name="k",
            digest=digest_of(secret),
            hint=hint_of(secret),
            **about,
        )
        return secret, self.database.run(create_key, key, now=1.0)

    def balance(self) -> int:
        return next(row.balance_nanos for row in self.database.read(list_accounts) if row.id == self.account and row.book == "test")

    async def ask(self, method: str, path: str, *, body: bytes = b"", secret: str | None = None, **headers: str) -> Answer:
        return await self._send(self._desk_target, method, path, body=body, secret=self.secret if secret is None else secret, **headers)

    async def _send(self, target: Target, method: str, path: str, *, body: bytes, secret: str, **headers: str) -> Answer:
        lines = [("x-modelgate-client", "192.0.2.1"), *((name.replace("_", "-"), value) for name, value in headers.items())]
        if secret:
            lines.append(("authorization", f"Bearer {secret}"))
        response = await self.transport.send(target, method=method, path=path, headers=HeaderBlock.of(*lines), body=body)
        return Answer(response.status, response.headers, await response.read(64 * 1024 * 1024))

    async def submit(self, secret: str | None = None, **fields: Any) -> Answer:
        return await self.ask("POST", IMAGES, body=msgspec.json.encode(fields), secret=secret)

    async def follow(self, task_id: str, *, until: tuple[str, ...] = ("succeed", "failed")) -> Any:
        async with asyncio.timeout(WAIT_S):
            while True:
                shown = (await self.ask("GET", f"{IMAGES}/{task_id}")).json["data"]
                if shown["task_status"] in until:
                    return shown
                await asyncio.sleep(0.05)

    async def wait_until_succeeded(self, task_id: str) -> None:
        async with asyncio.timeout(WAIT_S):
            while True:
                task = self.database.read(get_task, task_id)
                if task is not None and task.state == "succeeded":
                    return
                await asyncio.sleep(0.05)

    async def wait_until_served(self, serving: "asyncio.Task[None]") -> None:
        async with asyncio.timeout(WAIT_S):
            while not serving.done():
                with contextlib.suppress(ConnectFailed):
                    await self.ask("GET", "/healthz")
                    return
                await asyncio.sleep(0.01)

    async def vendor_jobs(self) -> list[Any]:
        answer = await self._send(self.sandbox_target, "GET", "/sandbox/requests?after=0", body=b"", secret="")
        return [row for row in answer.json["requests"] if row["vendor"] == "kling"]


@contextlib.asynccontextmanager
async def running_desk(house: House) -> AsyncIterator[None]:
    stop = asyncio.Event()
    desk = Desk(house.settings, house.database, b"s" * 32)
    serving = asyncio.create_task(desk.run(stop))
    await house.wait_until_served(serving)
    try:
        yield
    finally:
        stop.set()
        await serving


@contextlib.asynccontextmanager
async def running_sandbox(path: str, tokenizer: Tokenizer) -> AsyncIterator[None]:
    server = make_server(make_app(tokenizer=tokenizer))
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]  # pytest's own stay
    listening: socket.socket = listen_on(Path(path))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """Read once: its table is large."""
    return Tokenizer()


@pytest.fixture
async def house(tmp_path: Path, tokenizer: Tokenizer) -> AsyncIterator[House]:
    made = House(tmp_path)
    async with running_sandbox(made.settings.sandbox_socket, tokenizer), running_desk(made):
        yield made
    await made.transport.close()
    made.database.close()


def picture(width: int = 400, height: int = 300) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, "PNG")
    return out.getvalue()


def local_path(url: str) -> str:
    assert url.startswith("https://gateway.example/files/")
    return url.removeprefix("https://gateway.example")


@pytest.mark.anyio
async def test_a_picture_from_words_to_file(house: House) -> None:
    submitted = await house.submit(prompt="A lighthouse", aspect_ratio="3:2", n=2, external_task_id="mine-1")

    assert submitted.status == 200, submitted.body
    envelope = submitted.json
    assert (envelope["code"], envelope["data"]["task_status"]) == (0, "submitted")
    assert submitted.headers.get(b"x-request-id") == envelope["request_id"].encode()
    assert house.balance() == -2 * PRICE_NANOS

    done = await house.follow(envelope["data"]["task_id"])
    assert done["task_status"] == "succeed"
    assert done["task_info"] == {"external_task_id": "mine-1"}
    assert [image["index"] for image in done["task_result"]["images"]] == [0, 1]
    assert house.balance() == -2 * PRICE_NANOS

    url = local_path(done["task_result"]["images"][0]["url"])
    file = await house.ask("GET", url, secret="")
    assert (file.status, file.headers.get(b"content-type")) == (200, b"image/png")
    with Image.open(io.BytesIO(file.body)) as image:
        assert abs(image.width / image.height - 1.5) < 0.05
    part = await house.ask("GET", url, secret="", range="bytes=0-7")
    assert (part.status, part.body) == (206, b"\x89PNG\r\n\x1a\n")
    head = await house.ask("HEAD", url, secret="")
    assert (head.status, head.body, head.headers.get(b"content-length")) == (200, b"", str(len(file.body)).encode())
    assert (await house.ask("GET", url[:-1] + "x", secret="")).status == 404


@pytest.mark.anyio
@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
async def test_a_reference_picture_goes_along(house: House, prefix: str) -> None:
    submitted = await house.submit(prompt="The same in winter", image=prefix + base64.b64encode(picture()).decode(), image_fidelity=0.7)
    assert submitted.status == 200, submitted.body
    assert (await house.follow(submitted.json["data"]["task_id"]))["task_status"] == "succeed"


@pytest.mark.anyio
async def test_a_result_of_ours_may_be_the_next_reference(house: House) -> None:
    first = await house.follow((await house.submit(prompt="A lighthouse", aspect_ratio="1:1")).json["data"]["task_id"])

    submitted = await house.submit(prompt="The same in winter", image=first["task_result"]["images"][0]["url"])

    assert submitted.status == 200, submitted.body
    assert (await house.follow(submitted.json["data"]["task_id"]))["task_status"] == "succeed"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"prompt": ""}, "prompt", "required"),
        ({"prompt": "x" * 501}, "prompt", "500"),
        ({"prompt": "x", "n": 10}, "n", "1 to 9"),
        ({"prompt": "x", "image": base64.b64encode(picture(200, 400)).decode()}, "image", "300 pixels"),
        ({"prompt": "x", "image": base64.b64encode(b"GIF89a").decode()}, "image", "JPEG or PNG"),
        ({"prompt": "x", "image": "http://127.0.0.1:8080/a.png"}, "image", "not a public one"),
        ({"prompt": "x", "image": "http://169.254.169.254/latest/meta-data"}, "image", "not a public one"),
    ],
)
async def test_a_mistake_is_named_and_costs_nothing(house: House, fields: dict[str, Any], param: str, words: str) -> None:
    answer = await house.submit(**fields)

    assert answer.status == 400
    assert answer.json["code"] == 1200
    assert answer.json["error"]["param"] == param
    assert words in answer.json["message"]
    assert answer.json["request_id"] in answer.json["message"]
    assert house.balance() == 0
    assert await house.vendor_jobs() == []


@pytest.mark.anyio
async def test_the_vendors_refusal_comes_back_at_once_and_gives_the_money_back(house: House) -> None:
    answer = await house.submit(prompt="magic: error-400")
    assert answer.status == 400
    assert answer.json["code"] == 1301
    assert house.balance() == 0


@pytest.mark.anyio
async def test_a_failed_task_gives_the_money_back(house: House) -> None:
    submitted = await house.submit(prompt="magic: fail-task")
    assert house.balance() == -PRICE_NANOS
    failed = await house.follow(submitted.json["data"]["task_id"])
    assert failed["task_status"] == "failed"
    assert failed["task_status_msg"]
    assert house.balance() == 0


@pytest.mark.anyio
@pytest.mark.slow
async def test_an_unanswered_submit_is_looked_up_and_never_sent_again(house: House) -> None:
    submitted = await house.submit(prompt="magic: unknown-submit")
    assert submitted.status == 200, submitted.body
    done = await house.follow(submitted.json["data"]["task_id"])
    assert done["task_status"] == "succeed"
    assert len([job for job in await house.vendor_jobs() if job["status"] == 200]) <= 1
    assert house.balance() == -PRICE_NANOS


@pytest.mark.anyio
async def test_a_restart_of_the_desk_resumes_what_runs_on_either_database(tmp_path: Path, tokenizer: Tokenizer, database_url: str) -> None:
    house = House(tmp_path, database_url=database_url)
    async with running_sandbox(house.settings.sandbox_socket, tokenizer):
        async with running_desk(house):
            task_id = (await house.submit(prompt="A lighthouse")).json["data"]["task_id"]
        await house.transport.close()
        house.transport = Transport()
        async with running_desk(house):
            assert (await house.follow(task_id))["task_status"] == "succeed"
    await house.transport.close()
    house.database.close()


@pytest.mark.anyio
async def test_a_worker_alone_goes_on_where_a_desk_stopped(tmp_path: Path, tokenizer: Tokenizer) -> None:
    house = House(tmp_path)
    async with running_sandbox(house.settings.sandbox_socket, tokenizer):
        async with running_desk(house):
            task_id = (await house.submit(prompt="A lighthouse")).json["data"]["task_id"]
        stop = asyncio.Event()
        working = asyncio.create_task(work(house.settings, house.database, b"s" * 32, stop))
        await house.wait_until_succeeded(task_id)
        stop.set()
        await working
    await house.transport.close()
    house.database.close()


@pytest.mark.anyio
async def test_anothers_task_is_as_absent_as_none(house: House) -> None:
    task_id = (await house.submit(prompt="A lighthouse")).json["data"]["task_id"]
    other = house.database.run(create_account, name="other", now=1.0)
    stranger, _ = house.add_key(other)
    live, _ = house.add_key(book="live")

    for secret, wanted in ((stranger, task_id), (live, task_id), (house.secret, "task_0000000000000000000000")):
        answer = await house.ask("GET", f"{IMAGES}/{wanted}", secret=secret)
        assert (answer.status, answer.json["code"], answer.json["error"]["code"]) == (404, 1203, "task_not_exist")
        assert answer.json["error"]["message"].startswith("No such task.")


Prepare = Callable[[House], str]


def _expired(house: House) -> str:
    return house.add_key(expires_at=2.0)[0]


def _foreign(house: House) -> str:
    return house.add_key(ips=("198.51.100.0/24",))[0]


def _disabled(house: House) -> str:
    secret, key = house.add_key()
    house.database.run(disable_key, key.id, now=1.0)
    return secret


def _other_model(house: House) -> str:
    return house.add_key(models=("kling-v2",))[0]


def _limited(house: House) -> str:
    return house.add_key(limit_nanos=PRICE_NANOS - 1)[0]


def _prepaid(house: House) -> str:
    house.database.run(set_credit_limit, account=house.account, book="test", credit_limit_nanos=0, now=1.0)
    return house.secret


def _live(house: House) -> str:
    return house.add_key(book="live")[0]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("prepare_key", "status", "code", "word"),
    [
        (lambda _: "", 401, 1001, None),
        (lambda _: "sk-test-nobody", 401, 1002, "invalid_api_key"),
        (_expired, 401, 1004, "expired_api_key"),
        (_disabled, 403, 1103, "disabled_api_key"),
        (_foreign, 403, 1103, "ip_not_allowed"),
        (_other_model, 403, 1103, "model_not_allowed"),
        (_limited, 403, 1102, "insufficient_quota"),
        (_prepaid, 403, 1102, "insufficient_quota"),
        (_live, 503, 5001, "no_upstream"),
    ],
)
async def test_who_may_not(house: House, prepare_key: Prepare, status: int, code: int, word: str | None) -> None:
    answer = await house.submit(prepare_key(house), prompt="x")

    assert (answer.status, answer.json["code"], answer.json["error"]["code"]) == (status, code, word), answer.body
    assert await house.vendor_jobs() == []


@pytest.mark.anyio
async def test_money_for_ten_pictures_asked_for_forty_times_at_once(house: House) -> None:
    house.database.run(set_credit_limit, account=house.account, book="test", credit_limit_nanos=10 * PRICE_NANOS, now=1.0)

    answers = await asyncio.gather(*(house.submit(prompt=f"picture {number}") for number in range(40)))

    assert sorted(answer.status for answer in answers) == [200] * 10 + [403] * 30
    assert {answer.json["code"] for answer in answers if answer.status == 403} == {1102}
    assert house.balance() == -10 * PRICE_NANOS


@pytest.mark.anyio
async def test_head_tells_the_same_as_get(house: House) -> None:
    task_id = (await house.submit(prompt="x")).json["data"]["task_id"]
    head = await house.ask("HEAD", f"{IMAGES}/{task_id}")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers.get(b"content-length") or 0) > 100


@pytest.mark.anyio
async def test_unknown_model(house: House) -> None:
    answer = await house.submit(prompt="x", model_name="kling-v99")
    assert (answer.status, answer.json["code"], answer.json["error"]["code"]) == (404, 1203, "model_not_found")


@pytest.mark.anyio
async def test_rate_exceeded_says_when_to_come_back(house: House) -> None:
    secret, _ = house.add_key(rpm=1)
    first = await house.submit(secret, prompt="x")
    second = await house.submit(secret, prompt="x")

    assert (first.status, first.headers.get(b"x-ratelimit-limit-requests")) == (200, b"1")
    assert (second.status, second.json["code"], second.json["error"]["code"]) == (429, 1302, "rate_limit_exceeded")
    assert int(second.headers.get(b"retry-after") or 0) >= 1


@pytest.mark.anyio
async def test_an_edited_key_is_followed(house: House) -> None:
    assert (await house.submit(prompt="x")).status == 200
    house.database.run(edit_key, house.key.id, KeyChanges(models=("kling-v2",)), now=2.0)
    async with asyncio.timeout(WAIT_S):
        while (answer := await house.submit(prompt="x")).status == 200:  # noqa: ASYNC110  # followed in a thread
            await asyncio.sleep(0.05)
    assert answer.status == 403


@pytest.mark.anyio
async def test_the_other_pages_of_the_desk(house: House) -> None:
    document = await house.ask("GET", "/openapi.json", secret="")
    assert document.json["servers"] == [{"url": "https://gateway.example"}]
    assert (await house.ask("GET", "/healthz", secret="")).status == 200
    await house.submit(prompt="x")
    metrics = await house.ask("GET", "/metrics", secret="")
    assert b'endpoint="submit_kling_image"' in metrics.body
    nothing = await house.ask("GET", "/nowhere", secret="")
    assert (nothing.status, nothing.json["error"]["type"]) == (404, "invalid_request_error")
    assert (await house.ask("POST", "/openapi.json", secret="")).status == 405
    wrong = await house.ask("PUT", IMAGES)
    assert (wrong.status, wrong.json["code"]) == (405, 1202)
    assert (await house.ask("GET", "/kling/v1/nowhere")).json["code"] == 1202


@pytest.mark.anyio
async def test_a_submit_sent_again_under_its_key_is_the_same_task(house: House) -> None:
    asked = {"body": msgspec.json.encode({"model_name": "kling-v1", "prompt": "a kite"}), "idempotency_key": "one"}
    first, again = [await house.ask("POST", path, **asked) for path in (IMAGES, IMAGES + "/")]
    assert first.status == again.status == 200
    assert again.body == first.body
    assert again.headers.get(b"idempotent-replayed") == b"true"
    other = await house.ask("POST", IMAGES, body=b"{}", idempotency_key="one")
    assert (other.status, other.json["code"]) == (422, 1200)
    await house.wait_until_succeeded(first.json["data"]["task_id"])
    assert len(await house.vendor_jobs()) == 1
    assert house.balance() == -PRICE_NANOS


@pytest.mark.anyio
async def test_a_desk_settles_what_its_predecessor_left(tmp_path: Path, tokenizer: Tokenizer) -> None:
    """kill -9 between the submit and the answer: the task is there, so a repeat is not submitted again."""
    house = House(tmp_path)
    body = msgspec.json.encode({"model_name": "kling-v1", "prompt": "a kite"})
    async with running_sandbox(house.settings.sandbox_socket, tokenizer), running_desk(house):
        taken = await house.ask("POST", IMAGES, body=body, idempotency_key="one")
        await house.wait_until_succeeded(taken.json["data"]["task_id"])
        running = update(idempotency_claim).values(state="running", body=b"", header_lines=b"", status=0)
        house.database.run(lambda connection: connection.execute(running))
        busy = await house.ask("POST", IMAGES, body=body, idempotency_key="one")
        assert (busy.status, busy.headers.get(b"retry-after")) == (409, b"1")
    async with running_desk(house):
        refused = await house.ask("POST", IMAGES, body=body, idempotency_key="one")
        assert (refused.status, refused.json["error"]["code"]) == (409, "idempotency_not_stored")
    await house.transport.close()
    house.database.close()
