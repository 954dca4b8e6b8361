"""At most one charge for each `Idempotency-Key`, whatever is killed: clients that ask again and again while relays and book die."""

import asyncio
import random
import time
from collections import Counter, defaultdict
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from modelgate.core.records import PriceRow
from modelgate.storage.price_rows import set_price
from modelgate.storage.schema.claims import idempotency_claim
from modelgate.storage.schema.money import request_record
from modelgate.storage.schema.tasks import task

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SEED = 20261127
LOAD_S = 15.0
MAX_LOAD_S = 90.0
"""On a busy machine the load goes on until `ENOUGH` keys were answered, and not longer than this."""
ENOUGH = 25
CLIENTS = 12
KILL_EVERY_S = (0.8, 1.6)
ROLES = {"relay", "book", "desk"}
BALANCE_NANOS = 50_000_000_000
"""More than the fastest machine can spend while it lasts."""
MODEL = "gpt-4.1-mini"
PRICE_NANOS = 1_000_000
PICTURES = "/kling/v1/images/generations"
TRIES = 300
RETRY_S = 0.25
ANSWER_WITHIN_S = 60.0


class Asked(msgspec.Struct):
    """One key: the ids of its requests, and the good answers that came."""

    request_ids: set[str] = set()
    bodies: set[bytes] = set()
    ended: str = ""


def priced(installation: Any) -> tuple[str, str]:
    row = PriceRow(model=MODEL, rates={"call": "0.001"})
    installation.database.run(set_price, row, now=time.time())
    return installation.add_prepaid_key(BALANCE_NANOS)  # type: ignore[no-any-return]


def body_of(number: int, *, stream: bool, slow: bool = False) -> dict[str, Any]:
    words = f"{'magic: slow' if slow else 'hello'}\n{number}"
    return {"model": MODEL, "messages": [{"role": "user", "content": words}], "max_tokens": 60, "stream": stream}


async def insist(
    installation: Any, secret: str, key: str, body: dict[str, Any], *, at_once: int = 1, path: str = "/v1/chat/completions"
) -> Asked:
    """Ask under one key, by several clients at once, as long as official clients would."""
    asked = Asked()

    async def client() -> None:
        for _ in range(TRIES):
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = await installation.post(secret, body, path=path, idempotency_key=key)
            if answer.request_id and not answer.replayed:
                asked.request_ids.add(answer.request_id)
            if answer.whole and answer.status == 200:
                asked.bodies.add(answer.body)
                asked.ended = asked.ended or "answered"
                return
            if answer.whole and answer.status == 409 and answer.json["error"]["code"] == "idempotency_not_stored":
                asked.ended = asked.ended or "not stored"
                return
            await asyncio.sleep(RETRY_S * random.uniform(0.5, 1.5))

    await asyncio.gather(*(client() for _ in range(at_once)))
    return asked


def charges(installation: Any) -> list[int]:
    """What was charged, request by request."""
    query = select(request_record.c.amount_nanos).where(request_record.c.amount_nanos > 0)
    return list(installation.database.read(lambda connection: connection.execute(query).scalars().all()))


async def test_simultaneous_posts_over_several_relays_are_charged_once(installation: Any) -> None:
    account, secret = priced(installation)
    installation.start()
    every = await asyncio.gather(
        *(insist(installation, secret, f"key-{n}", body_of(n, stream=n % 2 == 0, slow=n % 3 == 0), at_once=4) for n in range(10))
    )
    assert [len(asked.bodies) for asked in every] == [1] * 10
    assert installation.stop() == 0
    installation.start()
    again = await asyncio.gather(
        *(insist(installation, secret, f"key-{n}", body_of(n, stream=n % 2 == 0, slow=n % 3 == 0)) for n in range(10))
    )
    assert [asked.bodies for asked in again] == [asked.bodies for asked in every], "the same answers after a restart"
    assert installation.stop() == 0
    assert charges(installation) == [PRICE_NANOS] * 10
    assert installation.balance(account) == BALANCE_NANOS - 10 * PRICE_NANOS
    assert installation.audit_at_rest().failures == ()


async def test_a_relay_killed_in_the_middle_frees_its_claims(installation: Any) -> None:
    """The vendor is slow, every relay is killed, nothing was charged: whoever asks again is answered."""
    account, secret = priced(installation)
    installation.start()
    body = {"model": MODEL, "messages": [{"role": "user", "content": "magic: slow\nhello"}]}
    first = asyncio.create_task(installation.post(secret, body, idempotency_key="one"))
    async with asyncio.timeout(ANSWER_WITHIN_S):
        while not await installation.sandbox_count():  # noqa: ASYNC110  # another process's doing
            await asyncio.sleep(0.05)
    for name in ("relay-0", "relay-1", "relay-2", "relay-3"):
        assert installation.kill(name)
    assert not (await first).whole
    asked = await insist(installation, secret, "one", body)
    assert asked.ended == "answered"
    assert installation.stop() == 0
    assert charges(installation) == [PRICE_NANOS]
    assert installation.balance(account) == BALANCE_NANOS - PRICE_NANOS


async def test_kills_at_random_never_charge_a_key_twice(installation: Any) -> None:
    _, secret = priced(installation)
    installation.start()
    began_at = time.monotonic()
    every: dict[str, Asked] = {}
    pictures: dict[str, Asked] = {}
    killed: Counter[str] = Counter()

    def is_over() -> bool:
        lasted_s = time.monotonic() - began_at
        answered = sum(asked.ended == "answered" for asked in every.values())
        return lasted_s > MAX_LOAD_S or (lasted_s > LOAD_S and answered > ENOUGH and set(killed) == ROLES)

    async def client(number: int) -> None:
        choose = random.Random(SEED + number)
        count = 0
        while not is_over():
            count += 1
            key = f"{number}-{count}"
            body = body_of(number * 1000 + count, stream=choose.random() < 0.5, slow=choose.random() < 0.3)
            every[key] = await insist(installation, secret, key, body, at_once=choose.choice((1, 1, 2)))

    async def painter(number: int) -> None:
        while not is_over():
            key = f"picture-{number}-{len(pictures)}"
            body = {"model_name": "kling-v1", "prompt": f"a kite {key}", "n": 1}
            pictures[key] = await insist_on_picture(installation, secret, key, body)

    async def kill() -> None:
        choose = random.Random(SEED)
        while not is_over():
            await asyncio.sleep(choose.uniform(*KILL_EVERY_S))
            await installation.wait_until_few_are_away()
            victim = choose.choice(("relay-0", "relay-1", "relay-2", "relay-3", "relay-1", "book", "desk"))
            if installation.kill(victim):
                killed[victim.partition("-")[0]] += 1

    await asyncio.gather(kill(), painter(1), painter(2), *(client(number) for number in range(CLIENTS)))
    await asyncio.to_thread(installation.wait_until_ready)
    await asyncio.to_thread(installation.wait_for_tasks)
    assert installation.stop() == 0
    installation.start()
    assert installation.stop() == 0

    assert set(killed) == ROLES
    check_charges(installation, every)
    check_pictures(installation, pictures)
    ended = Counter(asked.ended for asked in every.values())
    assert ended["answered"] > max(ENOUGH, len(every) * 0.5), ended
    assert ended[""] == 0, "every key comes to an end"
    report = installation.audit_at_rest()
    assert report.failures == ()


async def insist_on_picture(installation: Any, secret: str, key: str, body: dict[str, Any]) -> Asked:
    """As `insist`, in Kling's words: an answer names the task."""
    asked = Asked()
    for _ in range(TRIES):
        answer = await installation.post(secret, body, path=PICTURES, idempotency_key=key)
        if answer.whole and answer.status == 200:
            asked.bodies.add(answer.json["data"]["task_id"].encode())
            asked.ended = "answered"
            return asked
        if answer.whole and answer.status == 409 and answer.json["error"]["code"] == "idempotency_not_stored":
            asked.ended = "not stored"
            return asked
        await asyncio.sleep(RETRY_S)
    return asked


def check_charges(installation: Any, every: dict[str, Asked]) -> None:
    """Each key has one charge at most, and exactly one if a client had an answer; whoever had several answers had the same."""
    query = select(request_record.c.request_id).where(request_record.c.amount_nanos > 0)
    charged = set(installation.database.read(lambda connection: connection.execute(query).scalars().all()))
    claims = installation.database.read(lambda connection: connection.execute(select(idempotency_claim)).all())
    assert [claim.state for claim in claims if claim.state == "running"] == []
    assert len(charged) <= len(claims)
    charged_of = defaultdict(set)
    for key, asked in every.items():
        assert len(asked.bodies) <= 1, key
        charged_of[key] = asked.request_ids & charged
        assert len(charged_of[key]) <= 1, key
    owners = {claim.request_id for claim in claims}
    assert charged <= owners, "a charged request has lost its claim, so that a repeat would be charged again"


def check_pictures(installation: Any, pictures: dict[str, Asked]) -> None:
    """Each key has one task at most."""
    rows = installation.database.read(lambda connection: connection.execute(select(task.c.id, task.c.request)).all())
    prompts = Counter(msgspec.json.decode(row.request)["prompt"] for row in rows)
    assert [prompt for prompt, count in prompts.items() if count > 1] == []
    assert all(asked.ended for asked in pictures.values())
