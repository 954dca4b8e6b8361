"""`modelgate keys`: make and change API keys."""

import time
from collections.abc import Callable
from typing import Any

import click
import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from modelgate.cli.installation import Installation, on_existing_installation, on_installation
from modelgate.cli.output import print_json, print_table
from modelgate.cli.values import COUNT, EXPIRY, GRACE, LIMIT, MODELS, NETWORKS, SECONDS, given_only, show_time, show_usd
from modelgate.core.listings import KeyListing
from modelgate.core.money import render_usd
from modelgate.core.records import ApiKey
from modelgate.identity.key_bounds import MAX_NAME_LENGTH
from modelgate.metering.periods import current_periods
from modelgate.storage.identity import (
    KeyChanges,
    create_key,
    disable_key,
    edit_key,
    find_account,
    keys_named,
    list_accounts,
    list_keys,
    rotate_key,
)
from modelgate.storage.key_listings import list_key_rows

MAX_SHOWN_LIST = 40


@click.group()
def keys() -> None:
    """API keys: who may call, for which models, up to how much."""


def key_options(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say what a key may do; one that is not given stays as it is."""
    options: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("--limit", "limit_nanos", {"type": LIMIT, "help": "Most the key may spend, in USD."}),
        (
            "--reset",
            "limit_reset",
            {"type": click.Choice(("never", "daily", "weekly", "monthly")), "help": "When --limit starts anew (UTC)."},
        ),
        ("--expires", "expires_at", {"type": EXPIRY, "help": "2026-12-31 (to its end, UTC), 2026-12-31T18:00Z, 30d, 12h or never."}),
        ("--models", "models", {"type": MODELS, "help": "Models it may use; gpt-* is every model whose name begins so."}),
        ("--ips", "ips", {"type": NETWORKS, "help": "Addresses and networks it may be used from."}),
        ("--rpm", "rpm", {"type": COUNT, "help": "Most requests per minute."}),
        ("--tpm", "tpm", {"type": COUNT, "help": "Most tokens per minute."}),
        ("--cache", "cache_s", {"type": SECONDS, "help": "Answer the same request from the cache for so long (at most 86400)."}),
        ("--group", "group", {"type": str, "help": "Price group; see: modelgate groups."}),
    )
    for flag, name, attributes in reversed(options):
        function = click.option(flag, name, callback=given_only, **attributes)(function)
    return function


@keys.command()
@click.option("--name", required=True, help="What to call the key.")
@click.option("--test", is_flag=True, help="A key for the sandbox, on the test book (sk-test-…).")
@click.option("--account", help="Id or name of the account that pays [default: the default account].")
@key_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_installation
def create(installation: Installation, /, *, name: str, test: bool, account: str | None, as_json: bool, **options: Any) -> None:
    """Make a key and print its secret, this once."""
    from modelgate.app.first_run import ensure_account
    from modelgate.identity.keys import new_key

    _check_name(name)
    changes = KeyChanges(**options)
    now = time.time()

    def step(connection: Connection) -> tuple[str, ApiKey]:
        owner = ensure_account(connection, now=now) if account is None else find_account(connection, account)
        secret, plain = new_key(account=owner, book="test" if test else "live", name=name)
        return secret, create_key(connection, apply_changes(plain, changes), now=now)

    secret, key = installation.database.run(step)
    if as_json:
        print_json(_with_secret(secret, key))
        return
    click.echo(f"{secret}\n\nThis is the key {key.name!r} ({key.id}). It is shown only now: keep it safe.")


@keys.command(name="list")
@click.option("--account", help="Only keys of this account.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def list_(installation: Installation, *, account: str | None, as_json: bool) -> None:
    """List the keys, never their secrets."""

    now = time.time()

    def step(connection: Connection) -> tuple[tuple[ApiKey, ...], dict[str, KeyListing], dict[str, str]]:
        owner = None if account is None else find_account(connection, account)
        found = list_keys(connection, account_id=owner)
        listed = list_key_rows(connection, periods=current_periods(now), account_id=owner or "", limit=len(found))
        return found, {one.key.id: one for one in listed}, {one.id: one.name for one in list_accounts(connection)}

    found, listed, names = installation.database.read(step)
    if as_json:
        print_json([describe_key(key) for key in found])
        return
    columns = ("id", "name", "key", "account", "limit USD", "rpm", "tpm", "models", "ips", "group", "expires", "state")
    print_table(
        columns,
        (_row(key, names, listed[key.id].state_at(now)) for key in found),
        empty="There are no keys yet. Make one with: modelgate keys create --name NAME",
    )


@keys.command()
@click.argument("key")
@click.option("--name", callback=given_only, help="A new name.")
@key_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def edit(installation: Installation, /, *, key: str, as_json: bool, **options: Any) -> None:
    """Change what KEY (id or name) may do. Running servers follow within a second.

    Words that take a bound away: --limit none, --rpm none, --tpm none, --cache none, --models any, --ips any, --expires never.
    """
    if isinstance(options["name"], str):
        _check_name(options["name"])
    changes = KeyChanges(**options)
    if changes == KeyChanges():
        raise click.UsageError("nothing to change: give at least one option")
    changed = installation.database.run(lambda connection: edit_key(connection, resolve_key(connection, key).id, changes, now=time.time()))
    _report(changed, as_json, f"The key {changed.name!r} ({changed.id}) is changed.")


@keys.command()
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def disable(installation: Installation, *, key: str, as_json: bool) -> None:
    """Refuse KEY (id or name) everywhere, within a second."""
    changed = _set_disabled(installation, key, disabled=True)
    _report(changed, as_json, f"The key {changed.name!r} ({changed.id}) is disabled.")


@keys.command()
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def enable(installation: Installation, *, key: str, as_json: bool) -> None:
    """Accept a disabled KEY (id or name) again."""
    changed = _set_disabled(installation, key, disabled=False)
    _report(changed, as_json, f"The key {changed.name!r} ({changed.id}) is enabled.")


@keys.command()
@click.argument("key")
@click.option(
    "--grace", "grace_s", type=GRACE, default=0.0, help="For how long the old secret still works, such as 1h [default: not at all]."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def rotate(installation: Installation, *, key: str, grace_s: float, as_json: bool) -> None:
    """Give KEY (id or name) a new secret and print it, this once. Limits and spending stay with the key."""
    from modelgate.core.ids import new_secret
    from modelgate.identity.keys import digest_of, hint_of

    def step(connection: Connection) -> tuple[str, ApiKey]:
        before = resolve_key(connection, key)
        secret = new_secret(test=before.book == "test")
        return secret, rotate_key(connection, before.id, digest=digest_of(secret), hint=hint_of(secret), grace_s=grace_s, now=time.time())

    secret, changed = installation.database.run(step)
    if as_json:
        print_json(_with_secret(secret, changed))
        return
    old = f"works until {show_time(time.time() + grace_s)}" if grace_s else "has stopped working"
    click.echo(f"{secret}\n\nThis is the new secret of {changed.name!r} ({changed.id}), shown only now. The old one {old}.")


def apply_changes(key: ApiKey, changes: KeyChanges) -> ApiKey:
    """Return a key with the changes that were given."""
    given = {name: value for name in changes.__struct_fields__ if (value := getattr(changes, name)) is not UNSET}
    return msgspec.structs.replace(key, **given)


def resolve_key(connection: Connection, reference: str) -> ApiKey:
    """Return the key of this id or, if only one has it, this name; else end with one line."""
    found = keys_named(connection, reference)
    if not found:
        raise click.ClickException(f"no key has the id or name {reference!r}")
    if len(found) > 1:
        raise click.ClickException(f"{len(found)} keys are called {reference!r}; use an id: {', '.join(key.id for key in found)}")
    return found[0]


def describe_key(key: ApiKey) -> dict[str, Any]:
    """Return a key for JSON: everything but the digest, amounts as decimal strings in USD."""
    facts: dict[str, Any] = msgspec.to_builtins(key)
    del facts["digest"], facts["slot"]
    limit_nanos = facts.pop("limit_nanos")
    return facts | {"limit_usd": None if limit_nanos is None else render_usd(limit_nanos)}


def _with_secret(secret: str, key: ApiKey) -> dict[str, Any]:
    """Return a key for JSON with its secret, as `secret` and, for scripts that look there, as `key`."""
    return {"secret": secret, "key": secret, **describe_key(key)}


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > MAX_NAME_LENGTH:
        raise click.UsageError(f"--name takes 1 to {MAX_NAME_LENGTH} characters")


def _set_disabled(installation: Installation, key: str, *, disabled: bool) -> ApiKey:
    return installation.database.run(
        lambda connection: disable_key(connection, resolve_key(connection, key).id, disabled=disabled, now=time.time())
    )


def _report(key: ApiKey, as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(describe_key(key))
    else:
        click.echo(sentence)


def _row(key: ApiKey, account_names: dict[str, str], state: str) -> tuple[str, ...]:
    limit = show_usd(key.limit_nanos) + ("" if key.limit_reset == "never" or key.limit_nanos is None else f" {key.limit_reset}")
    return (
        key.id,
        key.name,
        key.hint,
        account_names.get(key.account, key.account),
        limit,
        str(key.rpm or "none"),
        str(key.tpm or "none"),
        _joined(key.models),
        _joined(key.ips),
        key.group,
        show_time(key.expires_at),
        state,
    )


def _joined(parts: tuple[str, ...]) -> str:
    text = ",".join(parts) or "any"
    return text if len(text) <= MAX_SHOWN_LIST else f"{text[: MAX_SHOWN_LIST - 1]}…"
