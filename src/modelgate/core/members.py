"""People who sign in to the console and the account API, as every room sees them."""

from hashlib import sha256
from typing import Literal

import msgspec

from modelgate.core.money import Book

Role = Literal["owner", "admin", "member", "viewer"]
SESSION_IDLE_S = 14 * 86_400.0
"""A browser that does not come back for so long is signed out."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One person. `account` is whose keys, requests and money a member or viewer sees; owners and admins see every account's.

    `password` is an argon2 hash, empty for nobody can sign in by it. `email` is lower case and unique. `access_key_hint` tells people which
    access key they made last, empty for none. Times are seconds since the epoch.
    """

    id: str
    account: str
    role: Role
    email: str
    name: str
    password: str = ""
    disabled: bool = False
    created_at: float = 0.0
    seen_at: float | None = None
    access_key_hint: str = ""
    account_name: str = ""


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """A link that makes a member, once. One without an email is the setup link: it makes the first owner, whoever that is.

    Of the secret in the link only its `digest` is kept. `invited_by` is a member's id, empty for the operator's command line.
    """

    id: str
    digest: str
    role: Role
    account: str
    email: str = ""
    invited_by: str = ""
    created_at: float = 0.0
    expires_at: float = 0.0


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One browser that is signed in, known by the digest of its cookie. It ends at `expires_at`, which use moves on, up to `ends_at`."""

    digest: str
    member: str
    created_at: float
    expires_at: float
    ends_at: float


def playground_key_id(member: str, *, account: str, book: Book) -> str:
    """Return the id of the key with which a member's browser tries things: made of what it is for, so that there is one."""
    return "key_" + sha256(f"playground/{member}/{account}/{book}".encode()).hexdigest()[:22]
