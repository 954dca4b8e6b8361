"""Money for ten, two hundred at once, four relays: exactly ten are served, and nobody is refused while money lies idle."""

import asyncio
import random
import time
from collections import Counter
from typing import Any

import pytest

from modelgate.core.records import PriceRow
from modelgate.storage.price_rows import set_price

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MODEL = "gpt-4.1-nano"
PRICE_NANOS = 10_000_000
PAYABLE = 10
CLIENTS = 200
MAX_TRIES = 200
RETRY_S = 0.2
BODY = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 5}


async def insist(installation: Any, secret: str) -> str:
    """Ask as official clients do: a 503 is tried again; return how it ended."""
    for _ in range(MAX_TRIES):
        answer = await installation.post(secret, BODY)
        assert answer.whole
        if answer.status != 503:
            break
        await asyncio.sleep(RETRY_S * random.uniform(0.5, 1.5))
    return "served" if answer.status == 200 else f"{answer.status} {answer.json['error']['code']}"


async def test_money_for_ten_serves_exactly_ten_of_two_hundred_at_once(installation: Any) -> None:
    """Check-then-subtract served more; a lease per relay refused some while the money lay idle with another."""
    row = PriceRow(model=MODEL, rates={"call": "0.01"})
    installation.database.run(set_price, row, now=time.time())
    account, secret = installation.add_prepaid_key(PAYABLE * PRICE_NANOS)
    installation.start()

    ended = Counter(await asyncio.gather(*(insist(installation, secret) for _ in range(CLIENTS))))

    assert ended == {"served": PAYABLE, "429 insufficient_quota": CLIENTS - PAYABLE}
    assert installation.stop() == 0
    assert installation.balance(account) == 0
    report = installation.audit_at_rest()
    assert report.failures == ()
