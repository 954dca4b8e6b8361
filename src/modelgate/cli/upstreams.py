"""`modelgate upstreams`: where answers come from."""

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from modelgate.cli.installation import Installation, on_existing_installation, on_installation
from modelgate.cli.output import print_json, print_table
from modelgate.cli.values import MODEL_MAP, Parsed, given_only
from modelgate.cli.vendor_keys import read_vendor_keys
from modelgate.core.money import Book
from modelgate.core.providers import Provider
from modelgate.core.records import Snapshot, Upstream
from modelgate.core.upstreams import (
    MAX_CONCURRENT,
    MAX_PRIORITY,
    MAX_TIMEOUT_S,
    MAX_WEIGHT,
    MIN_TIMEOUT_S,
    UpstreamIncomplete,
    draft_upstream,
)
from modelgate.storage.errors import NameTaken
from modelgate.storage.upstreams import (
    UpstreamChanges,
    add_upstream,
    edit_upstream,
    free_name,
    get_upstream,
    list_upstreams,
    remove_upstream,
)

MAX_SHOWN_MODELS = 48


def parse_base_url(text: str) -> str:
    """Return a base URL without the slash at its end. Raises ValueError when it is none."""
    from modelgate.app import upstream_probe

    return upstream_probe.parse_base_url(text)


BASE_URL = Parsed("URL", parse_base_url)


@click.group()
def upstreams() -> None:
    """Where answers come from: accounts at vendors, and servers of your own.

    Running servers follow every change within a second.
    """


def upstream_options(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that describe an upstream; one that is not given stays as it is."""
    options: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("--name", "name", {"help": "What to call it; each name once."}),
        ("--base-url", "base_url", {"type": BASE_URL, "help": "Where it is, if not at the vendor's own address."}),
        (
            "--models",
            "models",
            {
                "type": MODEL_MAP,
                "help": "Models it serves, with its own names where they differ; any: all that the price list has of this provider.",
            },
        ),
        ("--priority", "priority", {"type": click.IntRange(-MAX_PRIORITY, MAX_PRIORITY), "help": "Higher goes first."}),
        (
            "--weight",
            "weight",
            {"type": click.IntRange(0, MAX_WEIGHT), "help": "Share among those of equal priority; 0: only when others fail."},
        ),
        ("--free/--paid", "free", {"help": "Whether it costs nothing, so that models need no price."}),
        ("--timeout", "timeout_s", {"type": click.FloatRange(MIN_TIMEOUT_S, MAX_TIMEOUT_S), "help": "Seconds to wait for the first byte."}),
        ("--cancel", "cancel", {"type": click.Choice(("drain", "cancel")), "help": "What a caller's leaving does to a running answer."}),
        ("--ca-file", "ca_file", {"type": click.Path(dir_okay=False), "help": "PEM file with authorities to trust for it."}),
        (
            "--max-concurrent",
            "max_concurrent",
            {"type": click.IntRange(0, MAX_CONCURRENT), "help": "Most requests at once, of each relay (tasks: of all); 0: no bound."},
        ),
    )
    for flag, name, attributes in reversed(options):
        function = click.option(flag, name, callback=given_only, default=None, **attributes)(function)
    return function


@upstreams.command()
@click.argument("provider")
@upstream_options
@click.option("--no-key", is_flag=True, help="It wants no key: read none.")
@click.option("--book", type=click.Choice(("test", "live")), default="live", hidden=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_installation
def add(installation: Installation, /, *, provider: str, no_key: bool, book: Book, as_json: bool, **options: Any) -> None:
    """Add an upstream of PROVIDER, such as openai (and every server that speaks like it), azure or kling; docs/providers.md lists them.

    Keys are read from stdin, one per line, or asked for without showing them: never from the command line. A key of two parts
    (Kling's access key and secret key) is written ACCESS|SECRET.

    Example: modelgate upstreams add openai --base-url https://llm.example/v1 --models my-model < key.txt
    """
    record = _provider(provider)
    if not record.base_url and options["base_url"] is UNSET:  # before keys are asked for
        raise click.ClickException(f"{record.title} has no address of its own; say where it is with --base-url")
    keys = () if no_key else read_vendor_keys(record.title)
    given = {name: value for name, value in options.items() if value is not UNSET}
    try:
        wanted = draft_upstream(record, book=book, secrets=keys, keyless=no_key, given=given)
    except UpstreamIncomplete:
        raise click.ClickException("no key was given; write it to stdin, or say --no-key if the server wants none") from None
    cipher = installation.cipher

    def step(connection: Connection) -> Upstream:
        chosen = wanted if "name" in given else msgspec.structs.replace(wanted, name=free_name(connection, provider))
        add_upstream(connection, cipher, chosen, now=time.time())
        return get_upstream(connection, chosen.id)

    with _naming():
        added = installation.database.run(step)
    if as_json:
        print_json(describe_upstream(added))
        return
    click.echo(f"Added {added.name!r} ({added.id}) at {added.base_url}. Try it with: modelgate upstreams test {added.name}")
    _warn(installation, added)


@upstreams.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def list_(installation: Installation, *, as_json: bool) -> None:
    """List the upstreams, never their keys. The sandbox, which answers test keys, is always there and not listed."""
    found = installation.database.read(list_upstreams)
    if as_json:
        print_json([describe_upstream(one) for one in found])
        return
    columns = ("id", "name", "provider", "base URL", "models", "priority", "weight", "keys", "state")
    print_table(columns, map(_row, found), empty="There are no upstreams yet. Add one with: modelgate upstreams add openai")


@upstreams.command()
@click.argument("upstream")
@upstream_options
@click.option("--new-keys", is_flag=True, help="Replace all its keys by those on stdin, or typed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def edit(installation: Installation, /, *, upstream: str, new_keys: bool, as_json: bool, **options: Any) -> None:
    """Change UPSTREAM (id or name)."""
    secrets = read_vendor_keys(upstream) if new_keys else ()
    if new_keys and not secrets:
        raise click.ClickException("no key was given; nothing is changed")
    changes = UpstreamChanges(**options, secrets=secrets if new_keys else UNSET)
    if changes == UpstreamChanges():
        raise click.UsageError("nothing to change: give at least one option")
    changed = _edited(installation, upstream, changes)
    _report(changed, as_json, f"{changed.name!r} ({changed.id}) is changed.")
    if not as_json:
        _warn(installation, changed)


@upstreams.command()
@click.argument("upstream")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def pause(installation: Installation, *, upstream: str, as_json: bool) -> None:
    """Send nothing more to UPSTREAM (id or name); what runs is finished."""
    changed = _edited(installation, upstream, UpstreamChanges(disabled=True))
    _report(changed, as_json, f"{changed.name!r} ({changed.id}) is paused.")


@upstreams.command()
@click.argument("upstream")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def resume(installation: Installation, *, upstream: str, as_json: bool) -> None:
    """Use a paused UPSTREAM (id or name) again."""
    changed = _edited(installation, upstream, UpstreamChanges(disabled=False))
    _report(changed, as_json, f"{changed.name!r} ({changed.id}) is used again.")


@upstreams.command()
@click.argument("upstream")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def remove(installation: Installation, *, upstream: str, as_json: bool) -> None:
    """Forget UPSTREAM (id or name) and its keys. Tasks that run there cannot be followed any more; see: pause."""
    removed = installation.database.run(remove_upstream, upstream, now=time.time())
    _report(removed, as_json, f"{removed.name!r} ({removed.id}) is removed.")


@upstreams.command()
@click.argument("upstream")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def test(installation: Installation, *, upstream: str, as_json: bool) -> None:
    """Call UPSTREAM (id or name) with each of its keys and say what is wrong, if anything; exit code 1 then."""
    import asyncio

    from modelgate.app.proxies import proxy_for
    from modelgate.app.upstream_probe import probe_upstream
    from modelgate.core.upstreams import Verdict
    from modelgate.transport.client import Transport

    found = installation.database.read(get_upstream, upstream, installation.cipher)

    async def probe() -> tuple[Verdict, ...]:
        transport = Transport()
        try:
            proxy, ca_file = proxy_for(installation.settings, found.base_url), installation.settings.ca_file
            return await probe_upstream(transport, found, _provider(found.provider), proxy=proxy, ca_file=ca_file)
        finally:
            await transport.close()

    verdicts = asyncio.run(probe())
    if as_json:
        print_json(verdicts)
    for number, verdict in enumerate(verdicts if not as_json else (), start=1):
        which = found.name if len(verdicts) == 1 else f"{found.name}, key {number}"
        click.echo(f"{which}: {verdict.text}")
    if not all(verdict.ok for verdict in verdicts):
        raise SystemExit(1)


def describe_upstream(record: Upstream) -> dict[str, Any]:
    """Return an upstream for JSON: without secrets."""
    facts: dict[str, Any] = msgspec.to_builtins(record)
    for credential in facts["credentials"]:
        del credential["secret"]
    return facts


def _provider(name: str) -> Provider:
    from modelgate.providers import load_providers

    providers = load_providers()
    if name not in providers:
        raise click.ClickException(f"there is no provider {name!r}; there are: {', '.join(sorted(providers))}")
    return providers[name]


def _edited(installation: Installation, upstream: str, changes: UpstreamChanges) -> Upstream:
    with _naming():
        return installation.database.run(edit_upstream, installation.cipher, upstream, changes, now=time.time())


@contextmanager
def _naming() -> Iterator[None]:
    """Say how to choose another name."""
    try:
        yield
    except NameTaken as error:
        raise NameTaken(f"{error}; choose another with --name") from None


def _report(record: Upstream, as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(describe_upstream(record))
    else:
        click.echo(sentence)


def _row(record: Upstream) -> tuple[str, ...]:
    models = ",".join(name if name == other else f"{name}={other}" for name, other in record.models.items()) or "any"
    return (
        record.id,
        record.name,
        record.provider,
        record.base_url,
        models if len(models) <= MAX_SHOWN_MODELS else models[: MAX_SHOWN_MODELS - 1] + "…",
        str(record.priority),
        str(record.weight),
        str(len(record.credentials)),
        ("paused" if record.disabled else "in use") + (", free" if record.free else "") + (", test book" if record.book == "test" else ""),
    )


def _warn(installation: Installation, record: Upstream) -> None:
    """Say what of an upstream's models is not served, and why."""
    from modelgate.metering.price_list import read_shipped_prices
    from modelgate.metering.prices import PriceBook
    from modelgate.storage.settings import load_snapshot

    snapshot: Snapshot = installation.database.read(load_snapshot, installation.cipher)
    prices = PriceBook(read_shipped_prices(), snapshot.prices, snapshot.groups)
    if not record.models and not record.free and not prices.models_of(record.provider, book=record.book):
        title, name = _provider(record.provider).title, shlex.quote(record.name)
        mend = f"modelgate upstreams edit {name} --models A,B (modelgate upstreams test {name} says what it has)"
        click.echo(f"It serves nothing yet, because the price list has no models of {title}. Name them with: {mend}")
    unpriced = [name for name in record.models if prices.find(name, free=record.free) is None]
    if unpriced:
        example = f"modelgate prices set {unpriced[0]} --input USD --output USD (per million tokens; or --free)"
        click.echo(f"Without a price, these are refused: {', '.join(unpriced)}. Set one with: {example}")
