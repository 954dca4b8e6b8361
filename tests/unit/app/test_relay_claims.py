"""A relay's claims, with a book played by the test."""

import asyncio
from typing import Any

import msgspec
import pytest

from modelgate.app import relay_claims as module
from modelgate.app.relay_claims import RelayClaims
from modelgate.core.claims import Claim, ClaimEnding, ClaimVerdict, StoredAnswer
from modelgate.core.errors import Overloaded
from modelgate.metering.messages import ClaimAnswered, ClaimEnded, EndClaim, MakeClaim, ToBook

pytestmark = pytest.mark.anyio

CLAIM = Claim(scope="s", account="acct_a", digest="d", request_id="req_1", at_ms=1)
ENDING = ClaimEnding(scope="s", account="acct_a", request_id="req_1", answer=StoredAnswer(status=200, header_lines=b"", body=b"0123456789"))
RELEASE = ClaimEnding(scope="s", account="acct_a", request_id="req_1", released=True)
GRANTED = ClaimVerdict(state="granted")


@pytest.fixture
def sent() -> list[ToBook]:
    return []


@pytest.fixture
async def relay(sent: list[ToBook]) -> RelayClaims:
    made = RelayClaims()
    made.connected(sent.append)
    return made


async def begin(coroutine: Any) -> "asyncio.Task[Any]":
    task = asyncio.ensure_future(coroutine)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def test_a_claim_is_asked_and_answered(relay: RelayClaims, sent: list[ToBook]) -> None:
    asked = await begin(relay.claim(CLAIM))
    assert sent == [MakeClaim(1, CLAIM)]
    relay.received(ClaimAnswered(2, GRANTED))  # nobody's
    relay.received(ClaimAnswered(1, GRANTED))
    assert await asked == GRANTED


async def test_what_has_no_answer_is_said_again_on_the_next_connection(relay: RelayClaims, sent: list[ToBook]) -> None:
    asked, ended = await begin(relay.claim(CLAIM)), await begin(relay.end(ENDING))
    relay.disconnected()
    other = await begin(relay.claim(msgspec.structs.replace(CLAIM, scope="t")))
    sent.clear()
    relay.connected(sent.append)
    assert sent == [MakeClaim(1, CLAIM), MakeClaim(3, msgspec.structs.replace(CLAIM, scope="t")), EndClaim(2, ENDING)]
    for message in (ClaimAnswered(1, GRANTED), ClaimEnded(2), ClaimAnswered(3, GRANTED)):
        relay.received(message)
    await asyncio.gather(asked, ended, other)
    sent.clear()
    relay.connected(sent.append)
    assert sent == []


async def test_a_claim_nobody_waits_for_any_more_is_released(relay: RelayClaims, sent: list[ToBook], monkeypatch: Any) -> None:
    """The book may have granted it: left so, repeats would be told that it runs until the relay ends."""
    monkeypatch.setattr(module, "CLAIM_WAIT_S", 0.01)
    with pytest.raises(Overloaded):
        await relay.claim(CLAIM)
    assert sent == [MakeClaim(1, CLAIM), EndClaim(2, RELEASE)]
    relay.received(ClaimAnswered(1, GRANTED))


async def test_an_answer_waits_a_while_to_be_kept_and_not_for_ever(relay: RelayClaims, sent: list[ToBook], monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "END_WAIT_S", 0.01)
    await relay.end(ENDING)
    relay.connected(sent.append)
    assert sent == [EndClaim(1, ENDING), EndClaim(1, ENDING)], "it is told until the book has it"
    relay.received(ClaimEnded(1))
    relay.received(ClaimEnded(1))


async def test_few_are_asked_at_once_and_the_others_wait_in_line(relay: RelayClaims, sent: list[ToBook], monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "MAX_CLAIMS_WAITING", module.MAX_CLAIMS_ASKED + 1)
    tasks = [await begin(relay.claim(CLAIM)) for _ in range(module.MAX_CLAIMS_ASKED + 1)]
    assert len(sent) == module.MAX_CLAIMS_ASKED
    with pytest.raises(Overloaded):
        await relay.claim(CLAIM)
    relay.received(ClaimAnswered(1, GRANTED))
    await tasks[0]
    await asyncio.sleep(0)
    assert len(sent) == module.MAX_CLAIMS_ASKED + 1
    for n in range(2, module.MAX_CLAIMS_ASKED + 2):
        relay.received(ClaimAnswered(n, GRANTED))
    await asyncio.gather(*tasks)


async def test_what_is_held_for_an_absent_book_is_bounded(relay: RelayClaims, sent: list[ToBook], monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "MAX_UNACKNOWLEDGED_BYTES", 15)
    monkeypatch.setattr(module, "END_WAIT_S", 0.01)
    await asyncio.gather(relay.end(ENDING), relay.end(ENDING))
    assert sent == [EndClaim(1, ENDING), EndClaim(2, msgspec.structs.replace(ENDING, answer=None))]
    relay.received(ClaimEnded(1))
    await relay.end(ENDING)
    assert sent[-1] == EndClaim(3, ENDING)
