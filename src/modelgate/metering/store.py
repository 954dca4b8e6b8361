"""What the book's engine needs of a database. Every method is one transaction, and safe to repeat."""

from collections.abc import Sequence
from typing import Protocol

from modelgate.core.claims import Claim, ClaimEnding, ClaimVerdict
from modelgate.core.leases import AskOutcome, LeaseAsk, LeaseReport, LeaseState, RaisedRound, Standing
from modelgate.core.money import Book
from modelgate.core.records import ApiKey, Refusal


class BookStore(Protocol):
    """The steps of relays: money, keys, claims. `None` for a `Standing` means fenced: the incarnation is not open."""

    async def say_hello(self, incarnation: str, node: str, reports: Sequence[LeaseReport]) -> Standing | None:
        """Open the incarnation if it is new, post returns, and list all its leases."""
        ...

    async def answer_ask(self, ask: LeaseAsk) -> AskOutcome:
        """Grant all of the need, or nothing."""
        ...

    async def post_returns(self, incarnation: str, reports: Sequence[LeaseReport]) -> Standing | None:
        """Post what was given back and note answered rounds; the leases named come back as they are now."""
        ...

    async def funded_leases(self, account: str, book: Book) -> list[LeaseState]:
        """Return the leases of open incarnations of the account that own money."""
        ...

    async def rounds_raised_since(self, at: float) -> list[RaisedRound]:
        """Return the recall rounds anybody raised at or after that time, the latest of each account."""
        ...

    async def find_key(self, digest: str) -> ApiKey | None:
        """Return the key whose secret has this SHA-256, hex."""
        ...

    async def make_claim(self, incarnation: str, claim: Claim) -> ClaimVerdict | None:
        """Claim an idempotency key for a relay's request; None: fenced."""
        ...

    async def end_claim(self, ending: ClaimEnding) -> None:
        """Note how a claim ended."""
        ...

    async def keep_refusals(self, refusals: Sequence[Refusal]) -> None:
        """Write down what relays refused."""
        ...
