"""The store of the book's engine: its money steps, run on a database from an event loop."""

from collections.abc import Sequence

from modelgate.core.claims import Claim, ClaimEnding, ClaimVerdict
from modelgate.core.clock import Clock
from modelgate.core.leases import AskOutcome, LeaseAsk, LeaseReport, LeaseState, RaisedRound, Standing
from modelgate.core.money import Book
from modelgate.core.records import ApiKey, Refusal
from modelgate.storage import claims, identity, ledger
from modelgate.storage.database import Database
from modelgate.storage.ledger import PeriodOf
from modelgate.storage.refusals import keep_refusals


class SqlBookStore:
    """Satisfies `metering.store.BookStore`. `period_of` is `metering.periods.current_period`."""

    def __init__(self, database: Database, *, period_of: PeriodOf, clock: Clock) -> None:
        self._database = database
        self._period_of = period_of
        self._clock = clock
        self._trim_turns = claims.TrimTurns()

    async def say_hello(self, incarnation: str, node: str, reports: Sequence[LeaseReport]) -> Standing | None:
        return await self._database.call(ledger.say_hello, incarnation_id=incarnation, node=node, reports=reports, now=self._clock())

    async def answer_ask(self, ask: LeaseAsk) -> AskOutcome:
        return await self._database.call(ledger.answer_ask, ask, period_of=self._period_of, now=self._clock())

    async def post_returns(self, incarnation: str, reports: Sequence[LeaseReport]) -> Standing | None:
        return await self._database.call(ledger.post_returns, incarnation_id=incarnation, reports=reports, now=self._clock())

    async def funded_leases(self, account: str, book: Book) -> list[LeaseState]:
        return await self._database.fetch(ledger.funded_leases, account=account, book=book)

    async def rounds_raised_since(self, at: float) -> list[RaisedRound]:
        return await self._database.fetch(ledger.rounds_raised_since, at)

    async def find_key(self, digest: str) -> ApiKey | None:
        return await self._database.fetch(identity.find_key, digest)

    async def make_claim(self, incarnation: str, claim: Claim) -> ClaimVerdict | None:
        return await self._database.call(claims.make_relay_claim, claim, incarnation_id=incarnation, now=self._clock())

    async def end_claim(self, ending: ClaimEnding) -> None:
        trims = self._trim_turns.is_due(ending)
        await self._database.call(claims.end_claim, ending, trims=trims, now=self._clock())

    async def keep_refusals(self, refusals: Sequence[Refusal]) -> None:
        await self._database.call(keep_refusals, refusals)
