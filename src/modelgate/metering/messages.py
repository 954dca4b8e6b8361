"""What a relay and the book say to each other over one Unix stream socket, as length-prefixed MessagePack.

Every message about leases carries running totals, never deltas: a repeated, lost or reordered message is harmless.
`n` numbers a relay's questions; an answer with another n changes only totals.
"""

from typing import Literal

import msgspec

from modelgate.core.claims import Claim, ClaimEnding, ClaimVerdict
from modelgate.core.records import ApiKey, Refusal


class LeaseTotals(msgspec.Struct, frozen=True, array_like=True):
    """Running totals of the lease (key, period) of the incarnation that is spoken about, nano-USD."""

    key: str
    period: str
    granted_nanos: int
    returned_nanos: int


class Hello(msgspec.Struct, frozen=True, tag=True):
    """First on every connection. Opens the incarnation's row if there is none and posts returns."""

    incarnation: str
    node: str
    leases: tuple[LeaseTotals, ...] = ()


class Ask(msgspec.Struct, frozen=True, tag=True):
    """`need_nanos` = captured + open + the smallest waiting hold, as a total over the lease's life; `want_nanos` too."""

    n: int
    key: str
    period: str
    need_nanos: int
    want_nanos: int


class Return(msgspec.Struct, frozen=True, tag=True):
    """Money given back: the new returned totals, quoting the granted totals heard. `round` 0: unasked."""

    leases: tuple[LeaseTotals, ...]
    round: int = 0
    account: str = ""


class FindKey(msgspec.Struct, frozen=True, tag=True):
    """Who is this? `digest` is the SHA-256 of the presented secret in hex."""

    n: int
    digest: str


class MakeClaim(msgspec.Struct, frozen=True, tag=True):
    """May this request be answered? Repeated on a new connection, it is granted again."""

    n: int
    claim: Claim


class EndClaim(msgspec.Struct, frozen=True, tag=True):
    """How a claim ended; repeated until `ClaimEnded` says that it is durable. The first to come counts."""

    n: int
    ending: ClaimEnding


class NoteRefusals(msgspec.Struct, frozen=True, tag=True):
    """What was refused of late. Not repeated: what is lost on the way is lost."""

    refusals: tuple[Refusal, ...]


class Ping(msgspec.Struct, frozen=True, tag=True):
    """Are you there? Answered at once, before all that waits."""


class Totals(msgspec.Struct, frozen=True, tag=True):
    """The answer to hello, and news at any time."""

    posted_seq: int
    leases: tuple[LeaseTotals, ...] = ()


class Granted(msgspec.Struct, frozen=True, tag=True):
    n: int
    posted_seq: int
    leases: tuple[LeaseTotals, ...]


class Refused(msgspec.Struct, frozen=True, tag=True):
    """Final: the round is complete and the money is not there."""

    n: int
    reason: Literal["balance", "limit"]
    posted_seq: int
    leases: tuple[LeaseTotals, ...]


class PeriodOver(msgspec.Struct, frozen=True, tag=True):
    """The asked period is not the current one of the key; ask again under `period`, good until `ends_at` (None: for ever)."""

    n: int
    key: str
    period: str
    ends_at: float | None
    posted_seq: int
    leases: tuple[LeaseTotals, ...]


class Recall(msgspec.Struct, frozen=True, tag=True):
    """Give back all that is free on these leases, after your own waiters, quoting `round`."""

    account: str
    round: int
    posted_seq: int
    leases: tuple[LeaseTotals, ...]


class Fenced(msgspec.Struct, frozen=True, tag=True):
    """The incarnation's row is not open: exit at once."""


class KeyFound(msgspec.Struct, frozen=True, tag=True):
    """Answer to FindKey; `key` None: unknown. `period` is the key's current one."""

    n: int
    key: ApiKey | None
    period: str = ""
    period_ends_at: float | None = None


class ClaimAnswered(msgspec.Struct, frozen=True, tag=True):
    """Answer to MakeClaim."""

    n: int
    verdict: ClaimVerdict


class ClaimEnded(msgspec.Struct, frozen=True, tag=True):
    """Answer to EndClaim."""

    n: int


class Pong(msgspec.Struct, frozen=True, tag=True):
    """Answer to Ping."""


class KeysChanged(msgspec.Struct, frozen=True, tag=True):
    """Forget what you know about these keys (by key id); empty: about all."""

    keys: tuple[str, ...] = ()


class Configured(msgspec.Struct, frozen=True, tag=True):
    """A whole new configuration: `snapshot` is a `core.records.Snapshot` as MessagePack, with secrets in the clear."""

    snapshot: bytes


ToEngine = Hello | Ask | Return | FindKey | MakeClaim | EndClaim | NoteRefusals
"""What waits in line for the book's engine."""
ToBook = ToEngine | Ping
ToRelay = (
    Totals | Granted | Refused | PeriodOver | Recall | Fenced | KeyFound | KeysChanged | Configured | ClaimAnswered | ClaimEnded | Pong
)
