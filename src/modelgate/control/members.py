"""Members and invitations, for those who manage them."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal, Protocol

import msgspec
from msgspec import Meta

from modelgate.control.actions import Action, Call
from modelgate.control.errors import AlreadyTaken, ForeignOrigin, NoSuchObject, SignInNeeded
from modelgate.control.lists import AccountName, After, Limit, Next, page_of
from modelgate.control.people import MEMBER_EXAMPLE, Email, MemberObject, RoleName, show_member
from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.errors import InvalidRequest, Overloaded, PermissionDenied
from modelgate.core.members import Invitation, Member, Role
from modelgate.formats.openai_chat.reference import ErrorAnswer
from modelgate.identity.members import LastOwner, check_may_manage, check_owner_left, join_url, new_link, normalise_email
from modelgate.identity.sessions import UnknownAccessKey

MAX_ACCOUNT_LENGTH = 200

Check = Callable[[Member, int], None]
"""(the member to be changed, how many other owners there are who are not disabled): raises what must not be."""


class MemberStore(Protocol):
    """Where members are kept. Changes ask the check while all it goes by is locked, and raise what app maps to NoSuchObject."""

    async def members(self, *, account: str, after: str, limit: int) -> list[Member]: ...

    async def change(
        self, member_id: str, *, role: Role | None, account: str | None, disabled: bool | None, check: Check, now: float
    ) -> Member: ...

    async def remove(self, member_id: str, *, check: Check, now: float) -> None: ...

    async def invite(self, made: Invitation) -> Invitation | None:
        """Keep an invitation, in place of an earlier one to the same email; None: there are too many."""
        ...

    async def invitations(self, *, now: float) -> list[Invitation]: ...

    async def invitation(self, invitation_id: str) -> Invitation: ...

    async def withdraw(self, invitation_id: str) -> None: ...


class MemberQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which members."""

    account: AccountName = ""
    limit: Limit = 50
    after: After = ""


class MemberList(msgspec.Struct, frozen=True, kw_only=True):
    """Members, those who joined first first."""

    data: Annotated[list[MemberObject], Meta(description="The members.")]
    next: Next = None
    object: Annotated[Literal["list"], Meta(description="Always `list`.")] = "list"


class InvitationObject(msgspec.Struct, frozen=True, kw_only=True):
    """A link that makes a member, once."""

    id: Annotated[str, Meta(description="Id of the invitation.")]
    email: Annotated[str, Meta(description="Whom it is for.")]
    role: RoleName
    account: Annotated[str, Meta(description="Id of the account they will see.")]
    invited_by: Annotated[str | None, Meta(description="Id of the member who invited them; null for the operator's command line.")]
    created_at: Annotated[float, Meta(description="When it was made, in seconds since the epoch.")]
    expires_at: Annotated[float, Meta(description="When it stops to work.")]
    object: Annotated[Literal["invitation"], Meta(description="Always `invitation`.")] = "invitation"


class InvitationList(msgspec.Struct, frozen=True, kw_only=True):
    """Invitations that nobody has taken up yet, newest first."""

    data: Annotated[list[InvitationObject], Meta(description="The invitations.")]
    next: Next = None
    object: Annotated[Literal["list"], Meta(description="Always `list`.")] = "list"


class InvitationMade(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh invitation and its link."""

    invitation: Annotated[InvitationObject, Meta(description="The invitation.")]
    invitation_url: Annotated[str, Meta(description="The link, shown only now: hand it to whom it is for. Nothing is mailed.")]
    object: Annotated[Literal["invitation_link"], Meta(description="Always `invitation_link`.")] = "invitation_link"


class InviteBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom to invite."""

    email: Email
    role: RoleName = "member"
    account: Annotated[str, Meta(max_length=MAX_ACCOUNT_LENGTH, description="Id or name of their account.")] | None = None


class MemberBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to change about a member; what is left out stays."""

    role: RoleName | None = None
    account: Annotated[str, Meta(max_length=MAX_ACCOUNT_LENGTH, description="Id or name of their account.")] | None = None
    disabled: Annotated[bool, Meta(description="Keep them out: their sessions end at once, their access key stops.")] | None = None


class MemberRoom:
    """The actions' work."""

    def __init__(self, store: MemberStore, *, base_url: str) -> None:
        self._store = store
        self._base_url = base_url

    async def list_members(self, call: Call) -> MemberList:
        found = await self._store.members(account=call.query.account, after=call.query.after, limit=call.query.limit + 1)
        rows, has_more = page_of(found, call.query.limit)
        return MemberList(data=[show_member(row) for row in rows], next=rows[-1].id if has_more else None)

    async def invite(self, call: Call) -> InvitationMade:
        body: InviteBody = call.body
        check_may_manage(call.member, body.role)
        email, account = normalise_email(body.email), body.account or call.member.account
        secret, made = new_link(role=body.role, account=account, email=email, invited_by=call.member.id, now=call.now)
        kept = await self._store.invite(made)
        if kept is None:
            raise InvalidRequest("There are too many invitations under way. Withdraw some first.")
        return InvitationMade(invitation=_show_invitation(kept), invitation_url=join_url(self._base_url, secret))

    async def change(self, call: Call) -> MemberObject:
        body: MemberBody = call.body
        check = partial(_check_change, call.member, body)
        target = call.values["member"]
        return show_member(
            await self._store.change(target, role=body.role, account=body.account, disabled=body.disabled, check=check, now=call.now)
        )

    async def remove(self, call: Call) -> None:
        await self._store.remove(call.values["member"], check=partial(_check_removal, call.member), now=call.now)

    async def list_invitations(self, call: Call) -> InvitationList:
        return InvitationList(data=[_show_invitation(one) for one in await self._store.invitations(now=call.now)])

    async def withdraw(self, call: Call) -> None:
        found = await self._store.invitation(call.values["invitation"])
        check_may_manage(call.member, found.role)
        await self._store.withdraw(found.id)


def _check_change(actor: Member, body: MemberBody, target: Member, other_owners: int) -> None:
    check_may_manage(actor, target.role)
    role = body.role or target.role
    check_may_manage(actor, role)
    disabled = target.disabled if body.disabled is None else body.disabled
    check_owner_left(target, role=role, disabled=disabled, other_owners=other_owners)


def _check_removal(actor: Member, target: Member, other_owners: int) -> None:
    check_may_manage(actor, target.role)
    check_owner_left(target, role=target.role, disabled=True, other_owners=other_owners)


def _show_invitation(made: Invitation) -> InvitationObject:
    return InvitationObject(
        id=made.id,
        email=made.email,
        role=made.role,
        account=made.account,
        invited_by=made.invited_by or None,
        created_at=made.created_at,
        expires_at=made.expires_at,
    )


def member_actions(store: MemberStore, *, base_url: str) -> tuple[Action, ...]:
    """Return the actions."""
    room = MemberRoom(store, base_url=base_url)
    return (
        Action(endpoint=_LIST, handle=room.list_members, permission="members"),
        Action(endpoint=_INVITE, handle=room.invite, permission="members", status=201),
        Action(endpoint=_CHANGE, handle=room.change, permission="members"),
        Action(endpoint=_REMOVE, handle=room.remove, permission="members", status=204),
        Action(endpoint=_LIST_INVITATIONS, handle=room.list_invitations, permission="members"),
        Action(endpoint=_WITHDRAW, handle=room.withdraw, permission="members", status=204),
    )


_ERRORS = (SignInNeeded, UnknownAccessKey, PermissionDenied, Overloaded)
_WRITING_ERRORS = (*_ERRORS, InvalidRequest, NoSuchObject, ForeignOrigin)
_INVITATION = {
    "object": "invitation",
    "id": "inv_5nR2wTq8YxKd0LzVhGcMbJ",
    "email": "grace@example.com",
    "role": "member",
    "account": "acct_2bDf7GhJk9LmNp4QrStVwX",
    "invited_by": "mem_8sW1xQk3ZtB6yRj0NvLcHa",
    "created_at": 1763884926.0,
    "expires_at": 1764489726.0,
}

_LIST = Endpoint(
    method="GET",
    path="/api/members",
    name="list_members",
    family="admin",
    home="desk",
    summary="List members",
    description="Everybody who may sign in, those who joined first first. For owners and admins.",
    query=MemberQuery,
    response=MemberList,
    error=ErrorAnswer,
    errors=(*_ERRORS, InvalidRequest),
    cases=(Case(name="list", title="All of them", prose="One page.", response={"object": "list", "data": [MEMBER_EXAMPLE], "next": None}),),
)
_INVITE = Endpoint(
    method="POST",
    path="/api/members",
    name="invite_member",
    family="admin",
    home="desk",
    summary="Invite somebody",
    description=(
        "Makes a link that works once, within seven days, and takes the place of an earlier one to the same email. Without `account` they "
        "see the inviter's. Admins invite members and viewers; owners anybody."
    ),
    request=InviteBody,
    response=InvitationMade,
    error=ErrorAnswer,
    errors=(*_WRITING_ERRORS, AlreadyTaken),
    cases=(
        Case(
            name="invite",
            title="A member",
            prose="Hand the link on yourself: nothing is mailed.",
            request={"email": "grace@example.com", "role": "member"},
            response={
                "object": "invitation_link",
                "invitation": _INVITATION,
                "invitation_url": "https://gateway.example/console/join#token=Zk3vH0qLxY2mPc8dTn5wRb9sJf6gAe1uVi4yKo7h",
            },
            status=201,
        ),
    ),
)
_CHANGE = Endpoint(
    method="PATCH",
    path="/api/members/{member}",
    name="change_member",
    family="admin",
    home="desk",
    summary="Change a member's role, account or access",
    description="Admins change members and viewers; owners anybody, but there is always an owner left.",
    request=MemberBody,
    response=MemberObject,
    error=ErrorAnswer,
    errors=(*_WRITING_ERRORS, LastOwner),
    cases=(
        Case(
            name="disable",
            title="Keep somebody out",
            prose="Their sessions end at once; their access key and their playground's key stop.",
            request={"disabled": True},
            response={**MEMBER_EXAMPLE, "disabled": True},
            path_values={"member": "mem_8sW1xQk3ZtB6yRj0NvLcHa"},
        ),
    ),
)
_REMOVE = Endpoint(
    method="DELETE",
    path="/api/members/{member}",
    name="remove_member",
    family="admin",
    home="desk",
    summary="Remove a member",
    description="Their sessions, access key, playground's key and invitations go with them; their account and its keys stay.",
    error=ErrorAnswer,
    errors=(*_WRITING_ERRORS, LastOwner),
    cases=(
        Case(
            name="remove",
            title="Remove somebody",
            prose="They can be invited again.",
            status=204,
            path_values={"member": "mem_8sW1xQk3ZtB6yRj0NvLcHa"},
        ),
    ),
)
_LIST_INVITATIONS = Endpoint(
    method="GET",
    path="/api/invitations",
    name="list_invitations",
    family="admin",
    home="desk",
    summary="List invitations",
    description="Those that nobody has taken up and that still work, newest first; all on one page. Their links are not shown again.",
    response=InvitationList,
    error=ErrorAnswer,
    errors=_ERRORS,
    cases=(Case(name="list", title="All of them", prose="One.", response={"object": "list", "data": [_INVITATION], "next": None}),),
)
_WITHDRAW = Endpoint(
    method="DELETE",
    path="/api/invitations/{invitation}",
    name="withdraw_invitation",
    family="admin",
    home="desk",
    summary="Withdraw an invitation",
    description="Its link stops to work.",
    error=ErrorAnswer,
    errors=_WRITING_ERRORS,
    cases=(
        Case(
            name="withdraw",
            title="Withdraw one",
            prose="Invite again for a fresh link.",
            status=204,
            path_values={"invitation": "inv_5nR2wTq8YxKd0LzVhGcMbJ"},
        ),
    ),
)
