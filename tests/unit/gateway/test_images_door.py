"""Who answers for a model of pictures."""

from typing import Any, cast

import msgspec
import pytest

from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.providers import MediaOperation, Provider
from modelgate.core.records import ApiKey, Credential, Snapshot, Upstream
from modelgate.gateway.configuration import Configuration
from modelgate.gateway.images_door import IMAGES_PATH, MARGIN_S, ImagesDoor
from modelgate.gateway.passage import Passage
from modelgate.identity.keys import digest_of
from modelgate.identity.table import KeyTable
from modelgate.transport.target import Timeouts

pytestmark = pytest.mark.anyio

SECRET = "sk-test-1"
KEY = ApiKey(id="key_1", account="acct_1", book="test", name="k", digest=digest_of(SECRET), hint="…")
TASKS = MediaOperation(encode_submit=cast(Any, None), parse_submit=cast(Any, None), encode_poll=cast(Any, None), parse_poll=cast(Any, None))


def sign(_: str, __: float) -> tuple[tuple[str, str], ...]:
    return ()


PROVIDERS = {
    "calls": Provider(name="calls", title="C", base_url="https://calls.example", formats=("openai_images",), sign=sign),
    "tasks": Provider(name="tasks", title="T", base_url="https://tasks.example", media={"image": TASKS}, sign=sign),
}


def upstream(provider: str, **more: Any) -> Upstream:
    base = {"id": f"up_{provider}_{len(more)}", "name": "u", "base_url": f"https://{provider}.example", "book": "test"}
    return Upstream(**{**base, "provider": provider, "credentials": (Credential(id="cred_1", secret="s"),), **more})


class Desk:
    def __init__(self) -> None:
        self.timeouts: list[Timeouts] = []

    async def handle(self, request: HttpRequest, *, timeouts: Timeouts) -> HttpResponse:
        self.timeouts.append(timeouts)
        return HttpResponse(status=200, headers=HeaderBlock(), body=b"desk")


async def asked(*upstreams: Upstream, model: str | None = "m", secret: str = SECRET, body: bytes | None = None) -> bool:
    """Return whether the desk was asked."""
    configuration = Configuration(Snapshot(version=1, upstreams=upstreams), providers=PROVIDERS, shipped=(), now=0.0)

    async def look_up(digest: str) -> tuple[ApiKey | None, str, float | None]:
        return (KEY if digest == KEY.digest else None), "", None

    desk = Desk()
    door = ImagesDoor(
        keys=KeyTable(look_up),
        configuration=lambda: configuration if upstreams else None,
        passage=cast(Passage, desk),
        clock=lambda: 0.0,
        wait_s=300,
    )
    content = msgspec.json.encode({"model": model, "prompt": "x"}) if body is None else body
    headers = HeaderBlock.of(("authorization", f"Bearer {secret}"))
    answer = await door.handle(HttpRequest(method="POST", path=IMAGES_PATH, headers=headers, body=content))
    assert [timeouts.head_s for timeouts in desk.timeouts] == ([300 + MARGIN_S] if answer is not None else [])
    return answer is not None


NAMED = {"models": {"m": "m"}}


async def test_whoever_would_do_it_says_that_all_are_paused() -> None:
    """A relay would say that the model is not for pictures."""
    tasks, calls = upstream("tasks", **NAMED, disabled=True), upstream("calls", **NAMED, disabled=True)
    assert await asked(tasks)
    assert not await asked(calls)
    assert not await asked(tasks, calls)


async def test_the_model_decides() -> None:
    tasks, calls = upstream("tasks", **NAMED), upstream("calls", **NAMED)
    assert await asked(tasks)
    assert not await asked(calls)
    assert not await asked(tasks, calls), "one call is quicker than a task"
    assert not await asked(tasks, model="other")
    assert not await asked(tasks, model=None)


async def test_a_server_of_ones_own_takes_any_name_but_not_one_that_is_served_elsewhere() -> None:
    own = upstream("calls", free=True)
    assert await asked(upstream("tasks", **NAMED), own)
    assert not await asked(upstream("tasks", **NAMED), own, model="other")


async def test_what_cannot_be_decided_is_the_relays_to_refuse() -> None:
    tasks = upstream("tasks", **NAMED)
    assert not await asked()
    assert not await asked(tasks, secret="sk-test-2")
    assert not await asked(upstream("tasks", **{**NAMED, "book": "live"}))
    for body in (b"", b"{", b"\xff", b"[]", b'{"model": 7}', b"[" * 100_000):
        assert not await asked(tasks, body=body)
