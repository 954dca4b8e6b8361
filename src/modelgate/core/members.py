"""People who sign in to the console and the account API, as every room sees them."""

from typing import Literal

import msgspec

Role = Literal["owner", "admin", "member", "viewer"]


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One person. `account` is whose keys, requests and money a member or viewer sees; owners and admins see every account's.

    `password` is an argon2 hash, empty for nobody can sign in by it. `email` is lower case and unique. Times are seconds since the epoch.
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
