"""`modelgate members`: people who sign in to the console, for when nobody can sign in yet, or any more."""

import time

import click
import msgspec
from sqlalchemy import Connection

from modelgate.cli.installation import Installation, on_existing_installation, on_installation
from modelgate.cli.output import print_json, print_table
from modelgate.cli.values import show_time
from modelgate.core.errors import InvalidRequest
from modelgate.core.ids import random_text
from modelgate.core.members import Invitation
from modelgate.storage.errors import NoSuchRow
from modelgate.storage.members import (
    MAX_INVITATIONS,
    MemberChanges,
    add_invitation,
    change_member,
    find_member,
    is_set_up,
    list_members,
    set_access_key,
)

PASSWORD_LENGTH = 20
ROLES = ("owner", "admin", "member", "viewer")


@click.group()
def members() -> None:
    """People who sign in to the console and the account API, each with a role: owner, admin, member or viewer."""


@members.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def list_(installation: Installation, *, as_json: bool) -> None:
    """List the members, those who joined first first."""
    found = installation.database.read(list_members)
    if as_json:
        shown = ("id", "email", "name", "role", "account", "account_name", "disabled", "created_at", "seen_at")
        print_json([{name: getattr(one, name) for name in shown} for one in found])
        return
    rows = (
        (one.email, one.name, one.role + (", kept out" if one.disabled else ""), one.account_name, show_time(one.seen_at), one.id)
        for one in found
    )
    print_table(
        ("email", "name", "role", "account", "last here", "id"),
        rows,
        empty="There are no members yet. For a link that makes the owner: modelgate members setup-link",
    )


@members.command()
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), default="member", help="What they may do [default: member].")
@click.option("--account", help="Id or name of the account they see [default: the default account].")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_installation
def invite(installation: Installation, *, email: str, role: str, account: str | None, as_json: bool) -> None:
    """Make a link with which EMAIL becomes a member: it works once, within seven days. Nothing is mailed."""
    from modelgate.app.first_run import ensure_account
    from modelgate.identity.members import join_url, new_link, normalise_email

    now = time.time()
    try:
        email = normalise_email(email)
    except InvalidRequest as error:
        raise click.UsageError(error.message) from None

    def step(connection: Connection) -> tuple[str, Invitation | None]:
        seen = account or ensure_account(connection, now=now)
        secret, made = new_link(role=role, account=seen, email=email, now=now)  # type: ignore[arg-type]  # click checked the role
        return secret, add_invitation(connection, made)

    secret, made = installation.database.run(step)
    if made is None:
        raise click.ClickException(f"{MAX_INVITATIONS} invitations are under way; withdraw some in the console first")
    url = join_url(installation.base_url, secret)
    if as_json:
        print_json({**{name: value for name, value in msgspec.structs.asdict(made).items() if name != "digest"}, "invitation_url": url})
        return
    click.echo(f"{url}\n\nThis link makes {email} {_with_article(role)}. It is shown only now.")


@members.command(name="setup-link")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_installation
def setup_link(installation: Installation, *, as_json: bool) -> None:
    """Make a link that makes the first owner, while there is none: it works once, within seven days. One from before stops."""
    from modelgate.app.first_run import make_setup_link
    from modelgate.identity.members import setup_url

    def step(connection: Connection) -> str:
        if is_set_up(connection):
            raise click.ClickException("there is an owner already; invite others with: modelgate members invite EMAIL --role owner")
        return make_setup_link(connection, now=time.time())

    url = setup_url(installation.base_url, installation.database.run(step))
    if as_json:
        print_json({"setup_url": url})
        return
    click.echo(f"{url}\n\nWhoever opens this link first becomes the owner. It is shown only now.")


@members.command(name="reset-password")
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def reset_password(installation: Installation, *, email: str, as_json: bool) -> None:
    """Give EMAIL a new password and print it, this once. Their sessions end, and their access key is deleted."""
    from modelgate.identity.passwords import default_hasher

    password = random_text(PASSWORD_LENGTH)
    hashed = default_hasher().hash(password)

    def step(connection: Connection) -> None:
        found = find_member(connection, email.strip().lower())
        if found is None:
            raise NoSuchRow(f"no member has the email {email!r}")
        change_member(connection, found.id, MemberChanges(password=hashed), now=time.time())
        set_access_key(connection, found.id, digest=None, hint="")

    installation.database.run(step)
    if as_json:
        print_json({"password": password})
        return
    click.echo(f"{password}\n\nThis is the new password of {email}. It is shown only now; it can be changed in the console.")


def _with_article(role: str) -> str:
    return f"an {role}" if role[0] in "ao" else f"a {role}"
