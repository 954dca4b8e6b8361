"""A member as the account API shows one, and the fields that people fill in."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.core.members import Member, Role
from modelgate.identity.members import MAX_EMAIL_LENGTH, MAX_NAME_LENGTH
from modelgate.identity.passwords import MAX_LENGTH, MIN_LENGTH
from modelgate.identity.roles import PERMISSIONS, Permission

MAX_TOKEN_LENGTH = 200

RoleName = Annotated[Role, Meta(description="What somebody may do: `owner`, `admin`, `member` or `viewer`.", examples=["member"])]
Email = Annotated[str, Meta(max_length=MAX_EMAIL_LENGTH, description="Email address to sign in with.", examples=["ada@example.com"])]
PersonName = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_LENGTH, description="What to call this person.", examples=["Ada"])]
NewPassword = Annotated[
    str,
    Meta(description=f"Password of {MIN_LENGTH} to {MAX_LENGTH} characters.", max_length=MAX_LENGTH, examples=["correct horse battery"]),
]
LinkToken = Annotated[
    str, Meta(max_length=MAX_TOKEN_LENGTH, description="What follows `#token=` in the link.", examples=["Zk3vH0qLxY2mPc8dTn5w"])
]


class MemberObject(msgspec.Struct, frozen=True, kw_only=True):
    """A person who may sign in."""

    id: Annotated[str, Meta(description="Id of the member.")]
    email: Annotated[str, Meta(description="Email address they sign in with, in lower case.")]
    name: Annotated[str, Meta(description="What to call this person.")]
    role: RoleName
    account: Annotated[str, Meta(description="Id of the account whose keys, requests and money they see.")]
    account_name: Annotated[str, Meta(description="Name of that account.")]
    disabled: Annotated[bool, Meta(description="Whether they are kept out.")]
    created_at: Annotated[float, Meta(description="When they joined, in seconds since the epoch.")]
    seen_at: Annotated[float | None, Meta(description="When they were last here, to the hour; null for never.")]
    access_key_hint: Annotated[str | None, Meta(description="Beginning and end of their access key; null when they have none.")]
    object: Annotated[Literal["member"], Meta(description="Always `member`.")] = "member"


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in."""

    member: Annotated[MemberObject, Meta(description="The member.")]
    permissions: Annotated[list[Permission], Meta(description="What their role allows.")]
    object: Annotated[Literal["me"], Meta(description="Always `me`.")] = "me"


def show_member(member: Member) -> MemberObject:
    """Return a member as shown; the password's hash stays inside."""
    return MemberObject(
        id=member.id,
        email=member.email,
        name=member.name,
        role=member.role,
        account=member.account,
        account_name=member.account_name,
        disabled=member.disabled,
        created_at=member.created_at,
        seen_at=member.seen_at,
        access_key_hint=member.access_key_hint or None,
    )


def show_me(member: Member) -> Me:
    """Return who is signed in, with what their role allows."""
    return Me(member=show_member(member), permissions=permissions_of(member))


def permissions_of(member: Member) -> list[Permission]:
    """Return what a member's role allows, always in the same order."""
    return sorted(PERMISSIONS[member.role])


MEMBER_EXAMPLE = {
    "object": "member",
    "id": "mem_8sW1xQk3ZtB6yRj0NvLcHa",
    "email": "ada@example.com",
    "name": "Ada",
    "role": "member",
    "account": "acct_2bDf7GhJk9LmNp4QrStVwX",
    "account_name": "default",
    "disabled": False,
    "created_at": 1763884926.0,
    "seen_at": None,
    "access_key_hint": None,
}
ME_EXAMPLE = {"object": "me", "member": {**MEMBER_EXAMPLE, "role": "owner"}, "permissions": sorted(PERMISSIONS["owner"])}
