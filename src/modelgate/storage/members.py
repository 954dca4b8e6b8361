"""Members, their sessions and the links that make members. Each function is one step (see `database`).

Who may do what is not decided here: steps that change members are handed a check, and ask it while everything it goes by is locked.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, update

from modelgate.core.members import SESSION_IDLE_S, Invitation, Member, Role, Session, playground_key_id
from modelgate.storage.changes import lock_changes
from modelgate.storage.database import Database
from modelgate.storage.errors import NameTaken, NoSuchRow
from modelgate.storage.identity import BOOKS, create_account, disable_key, find_account
from modelgate.storage.ledger import credit
from modelgate.storage.schema.identity import account, api_key
from modelgate.storage.schema.members import invitation, member, member_session
from modelgate.storage.settings import list_settings
from modelgate.storage.wallet import choose_limit

MAX_SESSIONS = 20
"""Of one member; the oldest end first."""
MAX_INVITATIONS = 200
"""Under way at once."""
NOTED_AFTER_S = 3600.0
"""How old a session's last use may be before another one is noted: not every request writes."""

_with_account = select(member, account.c.name.label("account_name")).join(account, account.c.id == member.c.account)


class MemberChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change about a member; what is unset stays as it is. Fields mean what they mean in `Member`."""

    name: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    account: str | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


Check = Callable[[Member, int], None]
"""(the member to be changed, how many other owners there are who are not disabled): raises what must not be."""


def is_set_up(connection: Connection) -> bool:
    """Return whether there ever was an owner: disabled ones count, so that no setup link goes around them."""
    return connection.execute(select(member.c.id).where(member.c.role == "owner").limit(1)).first() is not None


def find_member(connection: Connection, email: str) -> Member | None:
    """Return the member with this email, in lower case."""
    return _one(connection.execute(_with_account.where(member.c.email == email)).first())


def get_member(connection: Connection, member_id: str) -> Member:
    """Return a member by id.

    Raises:
        NoSuchRow: there is none.
    """
    found = _one(connection.execute(_with_account.where(member.c.id == member_id)).first())
    if found is None:
        raise NoSuchRow(f"no member has the id {member_id!r}")
    return found


def list_members(connection: Connection, *, account_id: str = "", after: str = "", limit: int = 1_000_000) -> list[Member]:
    """Return members, those who joined first first; `after` is the id of the last one of the page before."""
    query = _with_account.order_by(member.c.created_at, member.c.id).limit(limit)
    if account_id:
        query = query.where(member.c.account == account_id)
    last = connection.execute(select(member.c.created_at).where(member.c.id == after)).scalar() if after else None
    if last is not None:
        query = query.where(or_(member.c.created_at > last, and_(member.c.created_at == last, member.c.id > after)))
    return [_member_of(row) for row in connection.execute(query)]


def change_member(connection: Connection, member_id: str, changes: MemberChanges, *, check: Check | None = None, now: float) -> Member:
    """Change a member and return them as they are now. A new password and being disabled end every session.

    Who may do less than before takes their invitations along. What ends sessions or changes what may be done stops the playground's key.

    Raises:
        NoSuchRow: there is no such member, or no such account. Whatever `check` raises.
    """
    lock_changes(connection)
    before = get_member(connection, member_id)
    if check is not None:
        check(before, _other_owners(connection, member_id))
    wanted = {name: value for name in changes.__struct_fields__ if (value := getattr(changes, name)) is not UNSET}
    if "account" in wanted:
        wanted["account"] = find_account(connection, wanted["account"])
    if wanted:
        connection.execute(update(member).where(member.c.id == member_id).values(**wanted))
    is_other_role = changes.role not in (UNSET, before.role)
    if changes.password is not UNSET or changes.disabled is True:
        end_sessions(connection, member_id)
    if changes.password is not UNSET or changes.disabled is True or is_other_role or "account" in wanted:
        _stop_playground(connection, before, now=now)
    if changes.disabled is True or is_other_role:
        connection.execute(delete(invitation).where(invitation.c.invited_by == member_id))
    return get_member(connection, member_id)


def remove_member(connection: Connection, member_id: str, *, check: Check | None = None, now: float) -> None:
    """Remove a member with their sessions, access key, playground's key and invitations.

    Raises:
        NoSuchRow: there is none. Whatever `check` raises.
    """
    lock_changes(connection)
    before = get_member(connection, member_id)
    if check is not None:
        check(before, _other_owners(connection, member_id))
    end_sessions(connection, member_id)
    _stop_playground(connection, before, now=now)
    connection.execute(delete(invitation).where(invitation.c.invited_by == member_id))
    connection.execute(delete(member).where(member.c.id == member_id))


def _stop_playground(connection: Connection, of: Member, *, now: float) -> None:
    ids = [playground_key_id(of.id, account=of.account, book=book) for book in BOOKS]
    found = connection.execute(select(api_key.c.id).where(api_key.c.id.in_(ids), ~api_key.c.disabled)).scalars().all()
    for key_id in found:
        disable_key(connection, key_id, now=now)


def set_access_key(connection: Connection, member_id: str, *, digest: str | None, hint: str) -> None:
    """Give a member an access key in place of the one before; None: none."""
    connection.execute(update(member).where(member.c.id == member_id).values(access_key_digest=digest, access_key_hint=hint))


# Sessions.


def open_session(connection: Connection, session: Session) -> None:
    """Add a session, and drop what is over and what is beyond `MAX_SESSIONS`."""
    columns = member_session.c
    connection.execute(delete(member_session).where(columns.expires_at <= session.created_at))
    newest = select(columns.digest).where(columns.member == session.member).order_by(columns.created_at.desc()).limit(MAX_SESSIONS - 1)
    connection.execute(delete(member_session).where(columns.member == session.member, columns.digest.not_in(newest)))
    connection.execute(insert(member_session).values(**msgspec.structs.asdict(session)))
    connection.execute(update(member).where(member.c.id == session.member).values(seen_at=session.created_at))


def close_session(connection: Connection, digest: str) -> None:
    """End a session, if there is one."""
    connection.execute(delete(member_session).where(member_session.c.digest == digest))


def end_sessions(connection: Connection, member_id: str) -> None:
    """End every session of a member."""
    connection.execute(delete(member_session).where(member_session.c.member == member_id))


def member_by_session(connection: Connection, digest: str, *, now: float) -> tuple[Member, bool] | None:
    """Return who is signed in by a session, and whether its use is to be noted again; None when it is over or they are disabled."""
    columns = member_session.c
    query = _with_account.join(member_session, columns.member == member.c.id).add_columns(columns.expires_at, columns.ends_at)
    row = connection.execute(query.where(columns.digest == digest, columns.expires_at > now, ~member.c.disabled)).first()
    if row is None:
        return None
    return _member_of(row), row.expires_at < min(now + SESSION_IDLE_S, row.ends_at) - NOTED_AFTER_S


def note_session(connection: Connection, digest: str, *, now: float) -> None:
    """Note that a session is used, which moves its end on."""
    columns = member_session.c
    row = connection.execute(select(columns.member, columns.ends_at).where(columns.digest == digest)).first()
    if row is None:
        return
    connection.execute(update(member_session).where(columns.digest == digest).values(expires_at=min(now + SESSION_IDLE_S, row.ends_at)))
    note_seen(connection, row.member, now=now)


def member_by_access_key(connection: Connection, digest: str) -> Member | None:
    """Return whose access key this is, None when it is nobody's or they are disabled."""
    return _one(connection.execute(_with_account.where(member.c.access_key_digest == digest, ~member.c.disabled)).first())


def note_seen(connection: Connection, member_id: str, *, now: float) -> None:
    """Note when a member was here."""
    connection.execute(update(member).where(member.c.id == member_id).values(seen_at=now))


# Links.


def add_invitation(connection: Connection, made: Invitation) -> Invitation | None:
    """Add an invitation, in place of an earlier one to the same email; return it, None when too many are under way.

    Raises:
        NameTaken: a member has this email. NoSuchRow: no account has the id or name `made.account`.
    """
    lock_changes(connection)
    if made.email and find_member(connection, made.email) is not None:
        raise NameTaken(f"{made.email} is a member already")
    made = msgspec.structs.replace(made, account=find_account(connection, made.account))
    columns = invitation.c
    connection.execute(delete(invitation).where(or_(columns.expires_at <= made.created_at, columns.email == made.email)))
    if connection.execute(select(func.count()).select_from(invitation)).scalar_one() >= MAX_INVITATIONS:
        return None
    connection.execute(insert(invitation).values(**msgspec.structs.asdict(made)))
    return made


def list_invitations(connection: Connection, *, now: float) -> list[Invitation]:
    """Return the invitations that still work, newest first, the setup link left out."""
    query = select(invitation).where(invitation.c.email != "", invitation.c.expires_at > now)
    return [_invitation_of(row) for row in connection.execute(query.order_by(invitation.c.created_at.desc(), invitation.c.id))]


def get_invitation(connection: Connection, invitation_id: str) -> Invitation:
    """Return an invitation by id.

    Raises:
        NoSuchRow: there is none.
    """
    row = connection.execute(select(invitation).where(invitation.c.id == invitation_id, invitation.c.email != "")).first()
    if row is None:
        raise NoSuchRow(f"no invitation has the id {invitation_id!r}")
    return _invitation_of(row)


def find_invitation(connection: Connection, digest: str, *, now: float) -> Invitation | None:
    """Return the invitation behind a link, None when it does not work (any more). The setup link works while nobody is an owner."""
    row = connection.execute(select(invitation).where(invitation.c.digest == digest, invitation.c.expires_at > now)).first()
    if row is None or (not row.email and is_set_up(connection)):
        return None
    return _invitation_of(row)


def remove_invitation(connection: Connection, invitation_id: str) -> None:
    """Remove an invitation.

    Raises:
        NoSuchRow: there is none.
    """
    if connection.execute(delete(invitation).where(invitation.c.id == invitation_id, invitation.c.email != "")).rowcount == 0:
        raise NoSuchRow(f"no invitation has the id {invitation_id!r}")


def accept_invitation(connection: Connection, digest: str, joining: Member, *, now: float) -> Member:
    """Make a member out of an invitation, which is gone then; return them. Role, account and email are the invitation's.

    Only the setup link leaves the email to `joining`.

    Raises:
        NoSuchRow: the link does not work (any more). NameTaken: a member has this email.
    """
    lock_changes(connection)
    found = find_invitation(connection, digest, now=now)
    if found is None:
        raise NoSuchRow("this link does not work any more")
    joining = msgspec.structs.replace(joining, role=found.role, account=found.account, email=found.email or joining.email)
    connection.execute(delete(invitation).where(or_(invitation.c.id == found.id, invitation.c.email == joining.email)))
    return add_member(connection, joining)


def add_member(connection: Connection, joining: Member) -> Member:
    """Add a member and return them.

    Raises:
        NameTaken: a member has this email.
    """
    lock_changes(connection)
    if find_member(connection, joining.email) is not None:
        raise NameTaken(f"{joining.email} is a member already")
    values = msgspec.structs.asdict(joining)
    del values["account_name"]
    connection.execute(insert(member).values(**values))
    return get_member(connection, joining.id)


def sign_up(connection: Connection, joining: Member, *, credit_nanos: int, now: float) -> Member:
    """Make a member with an account of their own, prepaid in the live book and given `credit_nanos` there.

    Raises:
        NameTaken: a member has this email.
    """
    lock_changes(connection)
    if find_member(connection, joining.email) is not None:
        raise NameTaken(f"{joining.email} is a member already")
    is_taken = connection.execute(select(account.c.id).where(account.c.name == joining.email)).first() is not None
    owner = create_account(connection, name=f"{joining.email} ({joining.id})" if is_taken else joining.email, now=now)
    choose_limit(connection, owner, "live", 0, now=now)
    if credit_nanos:
        credit(
            connection,
            account=owner,
            book="live",
            amount_nanos=credit_nanos,
            idempotency_key=f"sign-up {joining.id}",
            note="sign-up",
            now=now,
        )
    return add_member(connection, msgspec.structs.replace(joining, account=owner))


def _other_owners(connection: Connection, member_id: str) -> int:
    query = select(func.count()).where(member.c.role == "owner", ~member.c.disabled, member.c.id != member_id)
    return int(connection.execute(query).scalar_one())


def _one(row: Row[Any] | None) -> Member | None:
    return _member_of(row) if row is not None else None


def _member_of(row: Row[Any]) -> Member:
    return Member(**{name: row._mapping[name] for name in Member.__struct_fields__})


def _invitation_of(row: Row[Any]) -> Invitation:
    return Invitation(**row._mapping)


class DatabaseMembers:
    """Satisfies `identity.sessions.SessionStore` and the stores of `control.session` and `control.members`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def member_by_session(self, digest: str, *, now: float) -> Member | None:
        found = await self._database.fetch(member_by_session, digest, now=now)
        if found is None:
            return None
        signed_in, is_due = found
        if is_due:
            await self._database.call(note_session, digest, now=now)
        return signed_in

    async def member_by_access_key(self, digest: str, *, now: float) -> Member | None:
        found = await self._database.fetch(member_by_access_key, digest)
        if found is not None and (found.seen_at or 0.0) < now - NOTED_AFTER_S:
            await self._database.call(note_seen, found.id, now=now)
        return found

    async def open_session(self, session: Session) -> None:
        await self._database.call(open_session, session)

    async def close_session(self, digest: str) -> None:
        await self._database.call(close_session, digest)

    async def facts(self) -> tuple[bool, dict[str, str]]:
        """Return whether there is an owner, and the operator's settings."""
        return await self._database.fetch(lambda connection: (is_set_up(connection), list_settings(connection)))

    async def find(self, email: str) -> Member | None:
        return await self._database.fetch(find_member, email)

    async def find_invitation(self, digest: str, *, now: float) -> Invitation | None:
        return await self._database.fetch(find_invitation, digest, now=now)

    async def accept(self, digest: str, joining: Member, *, now: float) -> Member:
        return await self._database.call(accept_invitation, digest, joining, now=now)

    async def sign_up(self, joining: Member, *, credit_nanos: int, now: float) -> Member:
        return await self._database.call(sign_up, joining, credit_nanos=credit_nanos, now=now)

    async def rename(self, member_id: str, name: str, *, now: float) -> Member:
        return await self._database.call(change_member, member_id, MemberChanges(name=name), now=now)

    async def set_password(self, member_id: str, password: str, *, now: float) -> Member:
        return await self._database.call(change_member, member_id, MemberChanges(password=password), now=now)

    async def set_access_key(self, member_id: str, *, digest: str | None, hint: str) -> None:
        await self._database.call(set_access_key, member_id, digest=digest, hint=hint)

    async def members(self, *, account: str, after: str, limit: int) -> list[Member]:
        return await self._database.fetch(list_members, account_id=account, after=after, limit=limit)

    async def change(
        self, member_id: str, *, role: Role | None, account: str | None, disabled: bool | None, check: Check, now: float
    ) -> Member:
        """None: stays as it is."""
        changes = MemberChanges(
            role=UNSET if role is None else role,
            account=UNSET if account is None else account,
            disabled=UNSET if disabled is None else disabled,
        )
        return await self._database.call(change_member, member_id, changes, check=check, now=now)

    async def remove(self, member_id: str, *, check: Check, now: float) -> None:
        await self._database.call(remove_member, member_id, check=check, now=now)

    async def invite(self, made: Invitation) -> Invitation | None:
        return await self._database.call(add_invitation, made)

    async def invitations(self, *, now: float) -> list[Invitation]:
        return await self._database.fetch(list_invitations, now=now)

    async def invitation(self, invitation_id: str) -> Invitation:
        return await self._database.fetch(get_invitation, invitation_id)

    async def withdraw(self, invitation_id: str) -> None:
        await self._database.call(remove_invitation, invitation_id)
