"""Whose call it is: signatures, the age of them, and the sets of keys they are held against."""

import asyncio
import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from modelgate.core.errors import Overloaded, UnknownPath
from modelgate.core.http import HeaderBlock
from modelgate.core.records import Task, Upstream
from modelgate.gateway.callback_proofs import KEYS_APART_S, KEYS_KEPT_S, MAX_KEYS, MAX_SETS, KeySets, SignatureProofs, parse_keys
from modelgate.providers import load_providers
from modelgate.transport.errors import TimedOut
from modelgate.transport.guard import Fetched
from modelgate.transport.target import Target

pytestmark = pytest.mark.anyio

VENDOR = Upstream(id="up_vendor", name="v", provider="fal", base_url="https://queue.fal.run", book="live")
SANDBOX = Upstream(id="up_sandbox", name="s", provider="fal", base_url="http://sandbox/fal", book="test", socket="/run/sandbox.sock")
ELSEWHERE = Upstream(id="up_elsewhere", name="e", provider="fal", base_url="https://relay.example/fal/", book="live")
UNSIGNED = Upstream(id="up_kling", name="k", provider="kling", base_url="https://api-singapore.klingai.com", book="live")
VENDOR_KEYS, SANDBOX_KEYS = "https://rest.fal.ai/.well-known/jwks.json", "http://sandbox/fal/rest/.well-known/jwks.json"
BODY = b'{"request_id": "r1", "status": "OK"}'


def key_set(*keys: Ed25519PrivateKey) -> bytes:
    raw = [key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) for key in keys]
    return msgspec.json.encode({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": urlsafe_b64encode(x).rstrip(b"=").decode()} for x in raw]})


def signed(key: Ed25519PrivateKey, *, at: float, body: bytes = BODY, **changes: str) -> HeaderBlock:
    message = "\n".join(("r1", "user", str(int(at)), hashlib.sha256(body).hexdigest()))
    headers = {"request-id": "r1", "user-id": "user", "timestamp": str(int(at)), "signature": key.sign(message.encode()).hex()}
    return HeaderBlock.of(*((f"x-fal-webhook-{name}", value) for name, value in (headers | changes).items()))


def task_at(upstream: str) -> Task:
    return Task(
        id="task_1", account="a", key="k", book="test", family="pika", operation="video", model="m", state="running", request=b"{}",
        upstream=upstream,
    )  # fmt: skip


class House:
    """Proofs with a vendor's keys behind them. `answers` are what an address shows; an exception is raised."""

    def __init__(self) -> None:
        self.now = 5_000_000.0
        self.key = Ed25519PrivateKey.generate()
        self.answers: dict[str, bytes | Exception] = dict.fromkeys((VENDOR_KEYS, SANDBOX_KEYS), key_set(self.key))
        self.fetched: list[tuple[str, Mapping[str, Target]]] = []
        upstreams = (VENDOR, SANDBOX, ELSEWHERE, UNSIGNED)
        self.proofs = SignatureProofs(upstreams=lambda: upstreams, providers=load_providers(), fetcher=self, clock=lambda: self.now)

    async def fetch(self, url: str, *, exempt: Mapping[str, Target], **_: Any) -> Fetched:
        self.fetched.append((url, exempt))
        await asyncio.sleep(0)
        answer = self.answers.get(url, TimedOut("no answer", phase="head"))
        if isinstance(answer, Exception):
            raise answer
        return Fetched(body=answer, content_type="application/json", final_url=url)

    async def check(self, headers: HeaderBlock | None = None, *, body: bytes = BODY, upstream: Upstream = VENDOR) -> None:
        await self.proofs.check(task_at(upstream.id), headers or signed(self.key, at=self.now), body)


@pytest.fixture
def house() -> House:
    return House()


async def test_a_signed_call_is_the_vendors(house: House) -> None:
    await house.check()
    await house.check(signed(house.key, at=house.now - 299))
    await house.check(signed(house.key, at=house.now + 299))
    assert house.fetched == [(VENDOR_KEYS, {})], "keys are kept"


async def test_the_keys_of_a_server_of_the_operators_are_its_own(house: House) -> None:
    await house.check(upstream=SANDBOX)
    ((url, exempt),) = house.fetched
    assert (url, [target.socket for target in exempt.values()], list(exempt)) == (SANDBOX_KEYS, ["/run/sandbox.sock"], ["http://sandbox"])
    with pytest.raises(Overloaded):
        await house.check(upstream=ELSEWHERE)
    assert house.fetched[-1][0] == "https://relay.example/fal/rest/.well-known/jwks.json"


@pytest.mark.parametrize(
    ("age_s", "changes", "body"),
    [
        (301, {}, BODY),
        (-301, {}, BODY),
        (0, {"signature": "0" * 128}, BODY),
        (0, {"signature": "0" * 126}, BODY),
        (0, {"signature": "zz" * 64}, BODY),
        (0, {"request-id": "r2"}, BODY),
        (0, {"request-id": ""}, BODY),
        (0, {"user-id": "somebody"}, BODY),
        (0, {"timestamp": "soon"}, BODY),
        (0, {"timestamp": "4999999"}, BODY),
        (0, {}, BODY + b" "),
    ],
)
async def test_a_forged_or_stale_call_is_not(house: House, age_s: float, changes: dict[str, str], body: bytes) -> None:
    with pytest.raises(UnknownPath):
        await house.check(signed(house.key, at=house.now - age_s, **changes), body=body)


async def test_an_unsigned_call_asks_for_no_keys(house: House) -> None:
    with pytest.raises(UnknownPath):
        await house.check(HeaderBlock.of(("content-type", "application/json")))
    assert house.fetched == []


async def test_vendors_that_do_not_sign_are_known_by_the_token_alone(house: House) -> None:
    await house.check(HeaderBlock(), upstream=UNSIGNED)
    await house.check(HeaderBlock(), upstream=msgspec.structs.replace(VENDOR, id="up_gone"))
    assert house.fetched == []


async def test_a_new_key_is_looked_for_but_not_at_every_call(house: House) -> None:
    await house.check()
    old, house.key = house.key, Ed25519PrivateKey.generate()
    house.answers[VENDOR_KEYS] = key_set(old, house.key)
    with pytest.raises(UnknownPath):
        await house.check()
    assert len(house.fetched) == 1, "the set was fetched a moment ago"
    house.now += KEYS_APART_S
    await house.check()
    stranger = Ed25519PrivateKey.generate()
    for _ in range(5):
        with pytest.raises(UnknownPath):
            await house.check(signed(stranger, at=house.now))
    assert len(house.fetched) == 2


async def test_keys_are_kept_a_day_and_no_longer(house: House) -> None:
    await house.check()
    house.answers[VENDOR_KEYS] = TimedOut("no answer", phase="head")
    house.now += KEYS_KEPT_S - 1
    await house.check()
    assert len(house.fetched) == 1
    house.now += 1
    for _ in range(3):
        with pytest.raises(Overloaded):
            await house.check()
    assert len(house.fetched) == 2, "and what could not be had is not asked for at every call"
    house.answers[VENDOR_KEYS] = key_set(house.key)
    house.now += KEYS_APART_S
    await house.check()


async def test_all_who_wait_for_keys_share_one_fetch(house: House) -> None:
    await asyncio.gather(*(house.check() for _ in range(20)))
    assert len(house.fetched) == 1


async def test_there_are_no_more_sets_than_so_many(house: House) -> None:
    sets = KeySets(house, clock=lambda: house.now)
    for number in range(MAX_SETS + 1):
        house.answers[f"https://{number}.example"] = key_set(house.key)
        await sets.keys(f"https://{number}.example", {})
    await sets.keys(f"https://{MAX_SETS}.example", {})
    assert len(house.fetched) == MAX_SETS + 1
    await sets.keys("https://0.example", {})
    assert len(house.fetched) == MAX_SETS + 2


def test_only_keys_that_can_prove_something_are_read(house: House) -> None:
    good = msgspec.json.decode(key_set(house.key))["keys"][0]
    others = [{"kty": "RSA", "n": "x"}, {**good, "crv": "X25519"}, {**good, "x": "short"}, {**good, "x": "ü"}, {**good, "x": "a"}]
    assert len(parse_keys(msgspec.json.encode({"keys": [*others, good]}))) == 1
    assert len(parse_keys(msgspec.json.encode({"keys": [good] * (MAX_KEYS + 1)}))) == MAX_KEYS


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"keys": []}', b'{"keys": 7}', b'{"keys": [{"kty": 7}]}', b"\xff", b"[" * 100_000])
def test_what_is_no_set_of_keys_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="set"):
        parse_keys(body)
