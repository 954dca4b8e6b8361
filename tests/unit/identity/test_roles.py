"""What each role may do."""

import pytest

from modelgate.core.members import Member, Role
from modelgate.identity.roles import PERMISSIONS, Permission, may, sees_all_accounts


def member(role: Role) -> Member:
    return Member(id="mem_1", account="acct_a", role=role, email="a@b.example", name="A")


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("viewer", {"read"}),
        ("member", {"read", "use"}),
        ("admin", {"read", "use", "members", "configure"}),
        ("owner", {"read", "use", "members", "configure", "own"}),
    ],
)
def test_the_table_of_roles(role: Role, allowed: set[Permission]) -> None:
    assert {permission for permission in PERMISSIONS["owner"] if may(member(role), permission)} == allowed


def test_only_those_who_configure_see_other_accounts() -> None:
    for role in PERMISSIONS:
        assert sees_all_accounts(member(role)) == may(member(role), "configure")
