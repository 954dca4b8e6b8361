"""Redemption codes: credit for whoever brings the code, exactly once. Each function is one step."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Row, and_, insert, or_, select, update

from modelgate.core.listings import RedemptionCode
from modelgate.storage.database import Database
from modelgate.storage.schema.control import redemption_code
from modelgate.storage.wallet import BalanceTooLarge, credit_account

RedeemOutcome = Literal["unknown", "redeemed", "expired", "withdrawn", "too_large"]
"""Why a code gave nothing."""
WithdrawOutcome = Literal["withdrawn", "unknown", "redeemed"]


def add_codes(connection: Connection, codes: Sequence[RedemptionCode], digests: Sequence[str]) -> None:
    """Add fresh codes, each with the digest of what its holder will bring."""
    for code, digest in zip(codes, digests, strict=True):
        connection.execute(insert(redemption_code).values(**msgspec.structs.asdict(code), digest=digest))


def list_codes(connection: Connection, *, limit: int, after: str = "") -> list[RedemptionCode]:
    """Return codes, newest first; `after` is the id of the last one of the page before."""
    columns = redemption_code.c
    query = select(redemption_code).order_by(columns.created_at.desc(), columns.id.desc()).limit(limit)
    if after:
        last = select(columns.created_at).where(columns.id == after).scalar_subquery()
        query = query.where(or_(columns.created_at < last, and_(columns.created_at == last, columns.id < after)))
    return [_code_of(row) for row in connection.execute(query)]


def redeem_code(connection: Connection, digest: str, *, account: str, member: str, now: float) -> RedemptionCode | RedeemOutcome:
    """Give an account the credit of a code. Of two who bring it at the same moment the second finds it redeemed.

    The code is marked and the credit is booked in this one transaction; the entry's cause is made of the code's id, so the ledger itself
    would refuse a second.
    """
    columns = redemption_code.c
    is_open = (columns.redeemed_at.is_(None), columns.withdrawn_at.is_(None), or_(columns.expires_at.is_(None), columns.expires_at > now))
    mark = update(redemption_code).where(columns.digest == digest, *is_open)
    taken = connection.execute(mark.values(redeemed_at=now, redeemed_by=member, account=account)).rowcount
    row = connection.execute(select(redemption_code).where(columns.digest == digest)).first()
    if row is None:
        return "unknown"
    code = _code_of(row)
    if taken == 0:
        return "redeemed" if code.redeemed_at is not None else "withdrawn" if code.withdrawn_at is not None else "expired"
    credit_account(
        connection,
        account=account,
        book=code.book,
        amount_nanos=code.amount_nanos,
        cause=f"redemption/{code.id}",
        note=code.note,
        now=now,
    )
    return code


def withdraw_code(connection: Connection, code_id: str, *, now: float) -> WithdrawOutcome:
    """Take a code back that nobody has redeemed; one that was withdrawn before stays so."""
    columns = redemption_code.c
    mark = update(redemption_code).where(columns.id == code_id, columns.redeemed_at.is_(None), columns.withdrawn_at.is_(None))
    if connection.execute(mark.values(withdrawn_at=now)).rowcount:
        return "withdrawn"
    row = connection.execute(select(columns.redeemed_at).where(columns.id == code_id)).first()
    if row is None:
        return "unknown"
    return "withdrawn" if row.redeemed_at is None else "redeemed"


def _code_of(row: Row[Any]) -> RedemptionCode:
    return RedemptionCode(**{name: row._mapping[name] for name in RedemptionCode.__struct_fields__})


class DatabaseRedemptions:
    """The store of redemption codes over a database (see `control/redemption.py` for what is asked of it)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, codes: Sequence[RedemptionCode], digests: Sequence[str]) -> None:
        await self._database.call(add_codes, codes, digests)

    async def list_of(self, *, limit: int, after: str) -> list[RedemptionCode]:
        return await self._database.fetch(list_codes, limit=limit, after=after)

    async def redeem(self, digest: str, *, account: str, member: str, now: float) -> RedemptionCode | RedeemOutcome:
        try:
            return await self._database.call(redeem_code, digest, account=account, member=member, now=now)
        except BalanceTooLarge:
            return "too_large"

    async def withdraw(self, code_id: str, *, now: float) -> WithdrawOutcome:
        return await self._database.call(withdraw_code, code_id, now=now)
