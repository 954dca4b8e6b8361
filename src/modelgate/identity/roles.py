"""What each role may do. One table, read by the account API and shown by the console."""

from typing import Literal

from modelgate.core.members import Member, Role

Permission = Literal["read", "use", "members", "configure", "own"]
"""`read`: see what is the account's. `use`: keys, playground, tasks, redeeming. `members`: invite and change members of lower roles,
see every account. `configure`: accounts, upstreams, prices, groups, redemption codes. `own`: settings, owners and admins."""

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    "viewer": frozenset(("read",)),
    "member": frozenset(("read", "use")),
    "admin": frozenset(("read", "use", "members", "configure")),
    "owner": frozenset(("read", "use", "members", "configure", "own")),
}


def may(member: Member, permission: Permission) -> bool:
    """Say whether a member may do what needs this permission."""
    return permission in PERMISSIONS[member.role]


def sees_all_accounts(member: Member) -> bool:
    """Say whether a member sees other accounts than their own."""
    return member.role in ("owner", "admin")
