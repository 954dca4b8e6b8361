"""Members, sessions and invitations on real databases."""

import threading
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from modelgate.core.members import SESSION_IDLE_S, Invitation, Member, Role, Session, playground_key_id
from modelgate.core.records import ApiKey
from modelgate.storage.database import Database
from modelgate.storage.errors import NameTaken, NoSuchRow
from modelgate.storage.identity import create_account, get_key, list_accounts, renew_key
from modelgate.storage.members import (
    MAX_INVITATIONS,
    MAX_SESSIONS,
    NOTED_AFTER_S,
    DatabaseMembers,
    MemberChanges,
    accept_invitation,
    add_invitation,
    add_member,
    change_member,
    close_session,
    find_invitation,
    find_member,
    get_member,
    is_set_up,
    list_invitations,
    list_members,
    member_by_access_key,
    member_by_session,
    open_session,
    remove_invitation,
    remove_member,
    set_access_key,
    sign_up,
)
from modelgate.storage.schema.members import member_session

NOW = 1_790_000_000.0
DAY_S = 86_400.0


@pytest.fixture
def account(database: Database) -> str:
    return database.run(create_account, name="default", now=NOW)


def person(name: str, account: str, role: Role = "member", **about: Any) -> Member:
    return Member(id=f"mem_{name}", account=account, role=role, email=f"{name}@example.com", name=name, created_at=NOW, **about)


def session(digest: str, member: str, *, at: float = NOW, lasts_s: float = SESSION_IDLE_S) -> Session:
    return Session(digest=digest, member=member, created_at=at, expires_at=at + lasts_s, ends_at=at + 90 * DAY_S)


def link(name: str, account: str, *, email: str = "", role: Role = "member", at: float = NOW, by: str = "") -> Invitation:
    return Invitation(
        id=f"inv_{name}",
        digest=f"digest-{name}",
        role=role,
        account=account,
        email=email,
        invited_by=by,
        created_at=at,
        expires_at=at + DAY_S,
    )


def test_a_member_is_found(database: Database, account: str) -> None:
    added = database.run(add_member, person("ada", account, password="hash"))
    assert (added.account_name, added.password, added.access_key_hint) == ("default", "hash", "")
    assert database.read(find_member, "ada@example.com") == database.read(get_member, "mem_ada") == added
    assert database.read(find_member, "grace@example.com") is None
    with pytest.raises(NoSuchRow):
        database.read(get_member, "mem_none")
    with pytest.raises(NameTaken, match="is a member already"):
        database.run(add_member, msgspec.structs.replace(person("ada", account), id="mem_other"))


def test_members_come_in_pages(database: Database, account: str) -> None:
    other = database.run(create_account, name="other", now=NOW)
    for number in range(5):
        database.run(add_member, msgspec.structs.replace(person(f"p{number}", account), created_at=NOW + number // 2))
    database.run(add_member, person("elsewhere", other))
    first = database.read(list_members, account_id=account, limit=2)
    rest = database.read(list_members, account_id=account, after=first[-1].id)
    assert [one.name for one in (*first, *rest)] == ["p0", "p1", "p2", "p3", "p4"]
    assert len(database.read(list_members)) == 6


# Sessions.


def test_a_session_ends(database: Database, account: str) -> None:
    database.run(add_member, person("ada", account))
    database.run(open_session, session("s", "mem_ada"))
    found = database.read(member_by_session, "s", now=NOW + 1)
    assert found is not None
    assert found[0].seen_at == NOW
    assert database.read(member_by_session, "s", now=NOW + SESSION_IDLE_S) is None
    assert database.read(member_by_session, "other", now=NOW) is None
    database.run(close_session, "s")
    assert database.read(member_by_session, "s", now=NOW) is None


@pytest.mark.anyio
async def test_use_moves_the_end_on_but_not_for_ever(database: Database, account: str) -> None:
    database.run(add_member, person("ada", account))
    database.run(open_session, session("s", "mem_ada"))
    store = DatabaseMembers(database)

    def expires_at() -> float:
        return float(database.read(lambda connection: connection.execute(select(member_session.c.expires_at)).scalar_one()))

    await store.member_by_session("s", now=NOW + NOTED_AFTER_S / 2)
    assert expires_at() == NOW + SESSION_IDLE_S  # not every request writes
    used_at = NOW
    while used_at < NOW + 80 * DAY_S:
        used_at += 10 * DAY_S
        assert await store.member_by_session("s", now=used_at) is not None
        assert expires_at() == min(used_at + SESSION_IDLE_S, NOW + 90 * DAY_S)
    assert database.read(get_member, "mem_ada").seen_at == used_at
    assert await store.member_by_session("s", now=NOW + 90 * DAY_S) is None


def test_a_member_has_so_many_sessions(database: Database, account: str) -> None:
    database.run(add_member, person("ada", account))
    database.run(add_member, person("grace", account))
    database.run(open_session, session("of grace", "mem_grace"))
    for number in range(MAX_SESSIONS + 3):
        database.run(open_session, session(f"s{number}", "mem_ada", at=NOW + number))
    alive = [number for number in range(MAX_SESSIONS + 3) if database.read(member_by_session, f"s{number}", now=NOW + 100) is not None]
    assert alive == list(range(3, MAX_SESSIONS + 3))
    assert database.read(member_by_session, "of grace", now=NOW + 100) is not None


@pytest.mark.parametrize("changes", [MemberChanges(disabled=True), MemberChanges(password="other")])
def test_a_new_password_and_being_kept_out_end_every_session(database: Database, account: str, changes: MemberChanges) -> None:
    database.run(add_member, person("ada", account))
    for name in ("a", "b"):
        database.run(open_session, session(name, "mem_ada"))
    database.run(change_member, "mem_ada", changes, now=NOW)
    database.run(change_member, "mem_ada", MemberChanges(disabled=False), now=NOW)
    assert database.read(member_by_session, "a", now=NOW) is None
    assert database.read(member_by_session, "b", now=NOW) is None


def test_other_changes_end_no_session(database: Database, account: str) -> None:
    database.run(add_member, person("ada", account))
    database.run(open_session, session("a", "mem_ada"))
    after = database.run(change_member, "mem_ada", MemberChanges(name="Ada L", role="viewer", account="default"), now=NOW)
    assert (after.name, after.role, after.account) == ("Ada L", "viewer", account)
    assert database.read(member_by_session, "a", now=NOW) is not None
    with pytest.raises(NoSuchRow, match="nobody"):
        database.run(change_member, "mem_ada", MemberChanges(account="nobody"), now=NOW)


def test_an_access_key_stops_with_its_member(database: Database, account: str) -> None:
    database.run(add_member, person("ada", account))
    database.run(set_access_key, "mem_ada", digest="d1", hint="ak-…1")
    found = database.read(member_by_access_key, "d1")
    assert found is not None
    assert found.access_key_hint == "ak-…1"
    database.run(set_access_key, "mem_ada", digest="d2", hint="ak-…2")
    assert database.read(member_by_access_key, "d1") is None
    database.run(change_member, "mem_ada", MemberChanges(disabled=True), now=NOW)
    assert database.read(member_by_access_key, "d2") is None


def test_a_removed_member_leaves_nothing(database: Database, account: str) -> None:
    database.run(add_member, person("ada", account))
    database.run(open_session, session("a", "mem_ada"))
    database.run(add_invitation, link("x", account, email="x@example.com", by="mem_ada"))
    database.run(remove_member, "mem_ada", now=NOW)
    assert database.read(member_by_session, "a", now=NOW) is None
    assert database.read(list_invitations, now=NOW) == []
    with pytest.raises(NoSuchRow):
        database.run(remove_member, "mem_ada", now=NOW)


@pytest.mark.parametrize(
    "changes",
    [MemberChanges(disabled=True), MemberChanges(password="p"), MemberChanges(role="viewer"), MemberChanges(account="other"), None],
)
def test_the_playgrounds_key_stops_with_what_it_was_for(database: Database, account: str, changes: MemberChanges | None) -> None:
    """Symptom it prevents: somebody who was kept out goes on for twelve hours with a key out of the console."""
    database.run(create_account, name="other", now=NOW)
    database.run(add_member, person("ada", account))
    database.run(add_member, person("grace", account))
    keys = {
        (name, book): ApiKey(
            id=playground_key_id(f"mem_{name}", account=account, book=book),
            account=account,
            book=book,
            name="playground",
            digest=f"{name}{book}",
            hint="sk-…",
        )
        for name, book in (("ada", "live"), ("ada", "test"), ("grace", "live"))
    }
    for key in keys.values():
        database.run(renew_key, key, grace_s=60.0, now=NOW)
    database.run(change_member, "mem_ada", MemberChanges(name="still here"), now=NOW)
    assert not database.read(get_key, keys["ada", "live"].id).disabled
    if changes is None:
        database.run(remove_member, "mem_ada", now=NOW)
    else:
        database.run(change_member, "mem_ada", changes, now=NOW)
    assert {of: database.read(get_key, key.id).disabled for of, key in keys.items()} == {
        ("ada", "live"): True,
        ("ada", "test"): True,
        ("grace", "live"): False,
    }


# What is decided elsewhere is asked with everything locked.


def test_a_check_sees_the_member_and_the_other_owners(database: Database, account: str) -> None:
    seen: list[tuple[str, int]] = []
    for name, role, disabled in (("a", "owner", False), ("b", "owner", True), ("c", "owner", False), ("d", "admin", False)):
        database.run(add_member, person(name, account, role, disabled=disabled))  # type: ignore[arg-type]
    for name in "abd":
        database.run(
            change_member, f"mem_{name}", MemberChanges(name="n"), check=lambda who, others: seen.append((who.name, others)), now=NOW
        )
    assert seen == [("a", 1), ("b", 2), ("d", 2)]


class No(Exception):
    pass


def refuse(_who: Member, _others: int) -> None:
    raise No


def test_a_refused_change_changes_nothing(database: Database, account: str) -> None:
    database.run(add_member, person("a", account))
    with pytest.raises(No):
        database.run(change_member, "mem_a", MemberChanges(name="n"), check=refuse, now=NOW)
    with pytest.raises(No):
        database.run(remove_member, "mem_a", check=refuse, now=NOW)
    assert database.read(get_member, "mem_a").name == "a"


def test_two_owners_who_demote_each_other_leave_one(database: Database, account: str) -> None:
    """Symptom it prevents: both look, both see the other, and nobody owns the server."""
    for name in "ab":
        database.run(add_member, person(name, account, "owner"))
    together = threading.Barrier(2)
    refused: list[str] = []

    def check(_who: Member, others: int) -> None:
        if others == 0:
            raise No

    def demote(name: str) -> None:
        together.wait(60)
        try:
            database.run(change_member, f"mem_{name}", MemberChanges(role="admin"), check=check, now=NOW)
        except No:
            refused.append(name)

    threads = [threading.Thread(target=demote, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(refused) == 1
    assert [one.role for one in database.read(list_members)].count("owner") == 1


# Links.


def test_an_invitation_works_once(database: Database, account: str) -> None:
    database.run(add_invitation, link("x", "default", email="ada@example.com", role="admin"))
    (shown,) = database.read(list_invitations, now=NOW)
    assert (shown.account, shown.role) == (account, "admin")
    joined = database.run(accept_invitation, "digest-x", person("whoever", "acct_other", "owner"), now=NOW)
    assert (joined.email, joined.role, joined.account, joined.name) == ("ada@example.com", "admin", account, "whoever")
    assert database.read(find_invitation, "digest-x", now=NOW) is None
    with pytest.raises(NoSuchRow):
        database.run(accept_invitation, "digest-x", person("again", account), now=NOW)


def test_an_invitation_is_over_after_its_time(database: Database, account: str) -> None:
    database.run(add_invitation, link("x", account, email="ada@example.com"))
    assert database.read(list_invitations, now=NOW + DAY_S) == []
    with pytest.raises(NoSuchRow):
        database.run(accept_invitation, "digest-x", person("ada", account), now=NOW + DAY_S)


def test_a_second_invitation_takes_the_place_of_the_first(database: Database, account: str) -> None:
    database.run(add_invitation, link("x", account, email="ada@example.com"))
    database.run(add_invitation, link("y", account, email="ada@example.com"))
    assert [one.id for one in database.read(list_invitations, now=NOW)] == ["inv_y"]
    database.run(remove_invitation, "inv_y")
    with pytest.raises(NoSuchRow):
        database.run(remove_invitation, "inv_y")


def test_who_is_a_member_already_is_not_invited(database: Database, account: str) -> None:
    database.run(add_member, person("ada", account))
    with pytest.raises(NameTaken):
        database.run(add_invitation, link("x", account, email="ada@example.com"))


def test_invitations_are_bounded(database: Database, account: str) -> None:
    for number in range(MAX_INVITATIONS):
        assert database.run(add_invitation, link(str(number), account, email=f"{number}@example.com")) is not None
    assert database.run(add_invitation, link("more", account, email="more@example.com")) is None
    assert database.run(add_invitation, link("later", account, email="later@example.com", at=NOW + DAY_S)) is not None


@pytest.mark.parametrize("changes", [MemberChanges(role="member"), MemberChanges(disabled=True)])
def test_who_may_do_less_takes_their_invitations_along(database: Database, account: str, changes: MemberChanges) -> None:
    """An admin's last invitation would be their way back in."""
    database.run(add_member, person("ada", account, "admin"))
    database.run(add_invitation, link("x", account, email="x@example.com", by="mem_ada"))
    database.run(change_member, "mem_ada", MemberChanges(name="still here"), now=NOW)
    assert len(database.read(list_invitations, now=NOW)) == 1
    database.run(change_member, "mem_ada", changes, now=NOW)
    assert database.read(list_invitations, now=NOW) == []


def test_the_setup_link_makes_one_owner(database: Database, account: str) -> None:
    assert not database.read(is_set_up)
    for name in ("x", "y"):
        database.run(add_invitation, link(name, account, role="owner"))
    assert database.read(find_invitation, "digest-x", now=NOW) is None  # the newer one took its place
    assert database.read(list_invitations, now=NOW) == []
    owner = database.run(accept_invitation, "digest-y", person("ada", "", "viewer"), now=NOW)
    assert (owner.role, owner.email, owner.account) == ("owner", "ada@example.com", account)
    assert database.read(is_set_up)
    database.run(add_invitation, link("z", account, role="owner"))
    with pytest.raises(NoSuchRow):
        database.run(accept_invitation, "digest-z", person("mallory", "", "viewer"), now=NOW)


def test_an_owner_who_is_kept_out_is_one_still(database: Database, account: str) -> None:
    """Or a setup link would be a way around them."""
    database.run(add_member, person("ada", account, "owner", disabled=True))
    assert database.read(is_set_up)


def test_two_who_take_up_one_link_make_one_member(database: Database, account: str) -> None:
    database.run(add_invitation, link("x", account, role="owner"))
    together = threading.Barrier(2)
    refused: list[str] = []

    def take(name: str) -> None:
        together.wait(60)
        try:
            database.run(accept_invitation, "digest-x", person(name, "", "viewer"), now=NOW)
        except NoSuchRow:
            refused.append(name)

    threads = [threading.Thread(target=take, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(refused) == 1
    assert len(database.read(list_members)) == 1


# Signing up.


def test_who_signs_up_has_a_prepaid_account_of_their_own(database: Database, account: str) -> None:
    joined = database.run(sign_up, person("ada", ""), credit_nanos=5, now=NOW)
    assert joined.account != account
    assert joined.account_name == "ada@example.com"
    rows = {one.book: one for one in database.read(list_accounts) if one.id == joined.account}
    assert (rows["live"].balance_nanos, rows["live"].credit_limit_nanos) == (5, 0)
    assert (rows["test"].balance_nanos, rows["test"].credit_limit_nanos) == (0, None)
    with pytest.raises(NameTaken):
        database.run(sign_up, msgspec.structs.replace(person("ada", ""), id="mem_2"), credit_nanos=5, now=NOW)


def test_signing_up_without_credit_and_with_a_taken_name(database: Database) -> None:
    database.run(create_account, name="ada@example.com", now=NOW)
    joined = database.run(sign_up, person("ada", ""), credit_nanos=0, now=NOW)
    assert joined.account_name == "ada@example.com (mem_ada)"
