"""Who may change whom, and the links that make members."""

import pytest

from modelgate.core.errors import InvalidRequest, PermissionDenied
from modelgate.core.members import Member, Role
from modelgate.identity.keys import digest_of
from modelgate.identity.members import (
    LINK_LIFETIME_S,
    LastOwner,
    check_may_manage,
    check_owner_left,
    join_url,
    new_link,
    normalise_email,
    setup_url,
)


def member(role: Role, *, disabled: bool = False) -> Member:
    return Member(id="mem_1", account="acct_a", role=role, email="a@b.example", name="A", disabled=disabled)


@pytest.mark.parametrize(
    ("text", "email"),
    [(" Ada@Example.COM ", "ada@example.com"), ("a@localhost", "a@localhost"), ("ü+x@bücher.example", "ü+x@bücher.example")],
)
def test_emails(text: str, email: str) -> None:
    assert normalise_email(text) == email


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "a b@example.com",
        "a@b@c",
        "a@b.example\r\nx",
        "<a@b.example>",
        "a@b\x1b[2J",
        "a\x9b@b",
        "a@" + "b" * 260,
    ],
)
def test_what_is_no_email(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        normalise_email(text)
    assert refused.value.param == "email"


def test_a_link_is_kept_as_a_digest() -> None:
    secret, made = new_link(role="admin", account="acct_a", email="a@b.example", invited_by="mem_1", now=100.0)
    assert made.digest == digest_of(secret)
    assert secret not in repr(made)
    assert made.expires_at == 100.0 + LINK_LIFETIME_S
    assert new_link(role="admin", account="acct_a", now=1.0)[0] != secret
    # What follows # stays in the browser.
    assert setup_url("https://g.example", secret) == f"https://g.example/console/setup#token={secret}"
    assert join_url("https://g.example", secret) == f"https://g.example/console/join#token={secret}"


@pytest.mark.parametrize("actor", ["viewer", "member", "admin", "owner"])
@pytest.mark.parametrize("target", ["viewer", "member", "admin", "owner"])
def test_who_manages_whom(actor: Role, target: Role) -> None:
    allowed = actor == "owner" or (actor == "admin" and target in ("member", "viewer"))
    if allowed:
        check_may_manage(member(actor), target)
        return
    with pytest.raises(PermissionDenied):
        check_may_manage(member(actor), target)


@pytest.mark.parametrize(("role", "disabled"), [("admin", False), ("owner", True), ("viewer", True)])
def test_the_last_owner_stays(role: Role, disabled: bool) -> None:
    with pytest.raises(LastOwner):
        check_owner_left(member("owner"), role=role, disabled=disabled, other_owners=0)
    check_owner_left(member("owner"), role=role, disabled=disabled, other_owners=1)
    check_owner_left(member("owner", disabled=True), role=role, disabled=disabled, other_owners=0)
    check_owner_left(member("admin"), role=role, disabled=disabled, other_owners=0)


def test_an_owner_may_change_otherwise() -> None:
    check_owner_left(member("owner"), role="owner", disabled=False, other_owners=0)
