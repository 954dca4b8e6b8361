"""A Kling picture whose caller gave an address: the desk tells it, signed, and shows what became of each delivery."""

import asyncio
import base64
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.integration.app.test_desk import WAIT_S, House, running_desk, running_sandbox

from modelgate.app.webhooks import webhook_key
from modelgate.app.workshop import addresses_of, file_links
from modelgate.gateway.callbacks import MAX_CALLBACK_BYTES
from modelgate.sandbox.tokens import Tokenizer
from modelgate.storage.identity import create_account as _create_other
from modelgate.tasks.webhooks import render_secret

pytestmark = pytest.mark.anyio

SECRET = b"s" * 32  # as `running_desk` has it


class Receiver:
    """A caller's server on this machine. `answers` are given in turn, then 204."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                pairs = (line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
                headers = {name.lower(): value for name, value in pairs} | {":line": head.split("\r\n")[0]}
                self.got.append((headers, await reader.readexactly(int(headers["content-length"]))))
                status = self.answers.pop(0) if self.answers else 204
                writer.write(f"HTTP/1.1 {status} Said\r\n".encode() + (b"" if status == 204 else b"content-length: 0\r\n") + b"\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def bodies(self) -> list[Any]:
        return [msgspec.json.decode(body) for _, body in self.got]

    async def until(self, status: str) -> tuple[dict[str, str], bytes]:
        async with asyncio.timeout(WAIT_S):
            while True:
                for headers, body in self.got:
                    if msgspec.json.decode(body)["data"]["task_status"] == status:
                        return headers, body
                await asyncio.sleep(0.02)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    server = await asyncio.start_server(made.run, sock=made.socket)
    yield made
    server.close()


@pytest.fixture
async def house(tmp_path: Path, receiver: Receiver) -> AsyncIterator[House]:
    house = House(tmp_path)
    house.settings = msgspec.structs.replace(house.settings, webhook_origins=(receiver.origin,))
    house.settings.run_path.mkdir(parents=True, exist_ok=True)
    async with running_sandbox(house.settings.sandbox_socket, Tokenizer()), running_desk(house):
        yield house
    await house.transport.close()
    house.database.close()


async def test_a_picture_is_told_to_its_caller(house: House, receiver: Receiver) -> None:
    answer = await house.submit(prompt="a lighthouse", callback_url=receiver.origin + "/hook?job=7")
    assert answer.status == 200, answer
    task_id = answer.json["data"]["task_id"]
    headers, body = await receiver.until("succeed")

    assert headers[":line"] == "POST /hook?job=7 HTTP/1.1"
    assert headers["content-type"] == "application/json"
    secret = render_secret(webhook_key(SECRET, house.account))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), content, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()

    sent, shown = msgspec.json.decode(body), (await house.ask("GET", f"/kling/v1/images/generations/{task_id}")).json
    assert sent["data"]["task_result"]["images"][0]["url"].startswith("https://gateway.example/files/")
    for message in (sent, shown):
        del message["request_id"], message["data"]["task_result"]["images"][0]["url"]  # signed afresh
    assert sent == shown

    async with asyncio.timeout(WAIT_S):
        while True:
            history = (await house.ask("GET", f"/v1/tasks/{task_id}/deliveries")).json
            if history["data"][0]["state"] == "delivered":
                break
            await asyncio.sleep(0.05)
    newest = history["data"][0]
    assert (newest["id"], newest["task_state"], newest["answer_status"]) == (headers["webhook-id"], "succeeded", 204)
    assert [one["task_state"] for one in history["data"]][1:] in (["running"], [])

    page = (await house.ask("GET", "/metrics")).body.decode()
    assert 'modelgate_webhooks_total{outcome="delivered"}' in page

    count = len(receiver.got)
    again = await house.ask("POST", f"/v1/tasks/{task_id}/deliveries/{newest['id']}/redeliver")
    assert (again.status, again.json["state"], again.json["attempts"]) == (200, "pending", 0)
    async with asyncio.timeout(WAIT_S):
        while True:
            if len(receiver.got) > count:
                break
            await asyncio.sleep(0.05)
    assert receiver.got[-1][0]["webhook-id"] == newest["id"]

    missing = await house.ask("POST", f"/v1/tasks/{task_id}/deliveries/hook_nothing/redeliver")
    assert (missing.status, missing.json["error"]["code"]) == (404, "delivery_not_exist")
    other, _ = house.add_key(house.database.run(_create_other, name="other", now=1.0))
    for method, path in (("GET", ""), ("POST", f"/{newest['id']}/redeliver")):
        foreign = await house.ask(method, f"/v1/tasks/{task_id}/deliveries{path}", secret=other)
        assert (foreign.status, foreign.json["error"]["code"]) == (404, "task_not_exist")
    assert (await house.ask("GET", f"/v1/tasks/{task_id}/deliveries", secret="")).status == 401
    assert (await house.ask("DELETE", f"/v1/tasks/{task_id}/deliveries")).status == 405


@pytest.mark.parametrize("url", ["http://10.0.0.1/hook", "ftp://caller.example/", "http://127.0.0.1:1/", "caller.example/hook"])
async def test_an_address_that_may_not_be_called_is_refused_at_once(house: House, url: str) -> None:
    answer = await house.submit(prompt="a lighthouse", callback_url=url)
    assert answer.status == 400
    assert answer.json["error"]["param"] == "callback_url"
    assert answer.json["error"]["message"].startswith("callback_url ")
    assert await house.vendor_jobs() == []


async def test_a_vendor_calls_back_to_an_address_of_ours(house: House) -> None:
    answer = await house.submit(prompt="a lighthouse", callback_url="https://caller.example/hook")
    task_id = answer.json["data"]["task_id"]
    (job,) = await house.vendor_jobs()
    assert b"caller.example" not in msgspec.json.encode(job), "a vendor never learns its caller's address"

    url = addresses_of(house.settings, SECRET, file_links(house.settings, SECRET)).of_callback(task_id)
    assert url.startswith(f"https://gateway.example/callbacks/{task_id}/")
    path = url.removeprefix("https://gateway.example")
    assert (await house.ask("POST", path, body=b'{"task_status":"succeed"}', secret="")).status == 200
    for wrong in (path[:-1] + "!", f"/callbacks/{task_id}/", f"/callbacks/task_other/{path.rpartition('/')[2]}"):
        assert (await house.ask("POST", wrong, secret="")).status == 404
    assert (await house.ask("GET", path, secret="")).status == 405
    assert (await house.ask("POST", path, body=b"x" * (MAX_CALLBACK_BYTES + 1), secret="")).status == 413
    assert (await house.follow(task_id))["task_status"] == "succeed"
    assert (await house.ask("POST", path, secret="")).status == 200


async def test_a_midjourney_client_hears_of_progress(house: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelgate.storage.webhooks.PROGRESS_APART_S", 0.2)
    body = msgspec.json.encode({"prompt": "a fox\nmagic: slow-task", "notifyHook": receiver.origin + "/mj"})
    submitted = (await house.ask("POST", "/mj/submit/imagine", body=body)).json
    async with asyncio.timeout(WAIT_S):
        while True:
            if len({one["progress"] for one in receiver.bodies()}) >= 3:
                break
            await asyncio.sleep(0.05)
    told = receiver.bodies()  # before it is canceled, which is told too
    assert (await house.ask("POST", f"/mj/task/{submitted['result']}/cancel", body=b"{}")).json["code"] == 1

    progress = [int(one["progress"].removesuffix("%")) for one in told]
    assert progress == sorted(progress)
    assert {(one["id"], one["status"]) for one in told} == {(submitted["result"], "IN_PROGRESS")}
    assert any(one["imageUrl"].startswith(f"https://gateway.example/mj/image/{submitted['result']}?rand=") for one in told), "its preview"
    async with asyncio.timeout(WAIT_S):
        while True:
            if receiver.bodies()[-1]["status"] == "FAILURE":
                break
            await asyncio.sleep(0.05)
