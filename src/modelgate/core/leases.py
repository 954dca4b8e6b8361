"""What the book learns from its store about leases. Amounts are nano-USD totals over the life of a lease."""

from typing import Literal

import msgspec

from modelgate.core.money import Book

LeaseId = tuple[str, str, str]
"""(incarnation, key, period)."""


class LeaseState(msgspec.Struct, frozen=True, kw_only=True):
    """One lease as the ledger has it. `answered_round` is the last recall round its relay has answered since its last grant."""

    incarnation: str
    key: str
    period: str
    account: str
    book: Book
    granted_nanos: int
    returned_nanos: int
    balance_nanos: int
    answered_round: int

    @property
    def id(self) -> LeaseId:
        return (self.incarnation, self.key, self.period)


class LeaseAsk(msgspec.Struct, frozen=True, kw_only=True):
    """A relay's wish for more money on a lease. Need and want are totals over its life, so a repeated ask is harmless.

    `round` is the recall round this ask already waits for; None: it is new.
    """

    incarnation: str
    key: str
    period: str
    need_nanos: int
    want_nanos: int
    round: int | None = None


class LeaseReport(msgspec.Struct, frozen=True):
    """What a relay says of one of its leases. `round` 0: it answers no recall."""

    key: str
    period: str
    granted_nanos: int
    returned_nanos: int
    round: int = 0


class Standing(msgspec.Struct, frozen=True):
    """How an open incarnation stands: the watermark of its journal, and some or all of its leases."""

    posted_seq: int
    leases: tuple[LeaseState, ...]


class AskOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an ask.

    `waiting`: money is short (`short_of`) and recall round `round` must finish first. `refused`: it is finished, and the
    money is not there. `period_over`: `period` is the current one, until `ends_at`. `fenced`: the incarnation is not open.
    """

    verdict: Literal["granted", "waiting", "refused", "period_over", "fenced"]
    short_of: Literal["balance", "limit"] = "balance"
    round: int = 0
    account: str = ""
    book: Book = "test"
    period: str = ""
    ends_at: float | None = None
    posted_seq: int = 0
    leases: tuple[LeaseState, ...] = ()


class RaisedRound(msgspec.Struct, frozen=True):
    """A recall round that somebody, perhaps on another node, raised on an account."""

    account: str
    book: Book
    round: int
    at: float
