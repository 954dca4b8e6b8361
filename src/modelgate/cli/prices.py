"""`modelgate prices`: what models cost."""

import time
from collections.abc import Callable
from typing import Any

import click

from modelgate.cli.installation import Installation, on_existing_installation, on_installation
from modelgate.cli.output import print_json, print_table
from modelgate.core.records import PriceRow
from modelgate.identity.key_bounds import MAX_MODEL_LENGTH
from modelgate.metering.prices import MILLION, UNITS, check_row
from modelgate.storage.price_rows import list_prices, set_price, unset_price


@click.group()
def prices() -> None:
    """What models cost: the shipped list, and your own prices over it. A model without a price is refused."""


def rate_options(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each unit of price."""
    for unit, size in reversed(tuple(UNITS.items())):
        meaning = f"For {'a million' if size == MILLION else 'one'}: {unit.replace('_', ' ')}."
        function = click.option(f"--{unit.replace('_', '-')}", unit, metavar="USD", help=meaning)(function)
    return function


@prices.command(name="list")
@click.option("--model", help="Only this model.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def list_(installation: Installation, *, model: str | None, as_json: bool) -> None:
    """List what every model costs, in USD: tokens and characters by the million, the rest each."""
    rows = [row for row in _priced(list_prices_of(installation)) if model in (None, row["model"], *row["aliases"])]
    if as_json:
        print_json(rows)
        return
    columns = ("model", "provider", "price", "set by")
    cells = ((row["model"], row["provider"] or "any", _rates(row), row["set_by"]) for row in rows)
    print_table(columns, cells, empty=f"{model!r} has no price: calls to it are refused." if model else "No model has a price.")


@prices.command(name="set")
@click.argument("model")
@rate_options
@click.option("--rate", "others", multiple=True, metavar="UNIT=USD", help="A unit with a variant, such as image:with_image=0.02.")
@click.option("--free", is_flag=True, help="It costs nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_installation
def set_(installation: Installation, /, *, model: str, others: tuple[str, ...], free: bool, as_json: bool, **rates: Any) -> None:
    """Set what MODEL costs, in USD: tokens and characters by the million, the rest each. Replaces all its rates.

    Example: modelgate prices set my-model --input 0.50 --output 1.50
    """
    chosen = {unit: text.strip() for unit, text in rates.items() if text is not None}
    for other in others:
        unit, _, text = other.partition("=")
        chosen[unit.strip()] = text.strip()
    if free and chosen:
        raise click.UsageError("--free goes without rates")
    row = PriceRow(model=model, rates=chosen, free=free)
    try:
        check_row(row)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if len(model) > MAX_MODEL_LENGTH:
        raise click.UsageError(f"the name of a model has at most {MAX_MODEL_LENGTH} characters")
    installation.database.run(set_price, row, now=time.time())
    if as_json:
        print_json(row)
        return
    click.echo(f"{model} costs {_rates({'rates': chosen, 'free': free})}.")


@prices.command()
@click.argument("model")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_existing_installation
def unset(installation: Installation, *, model: str, as_json: bool) -> None:
    """Take your price of MODEL away: the shipped one holds again, if there is one."""
    if not installation.database.run(unset_price, model, now=time.time()):
        raise click.ClickException(f"no price of {model!r} was set here")
    shipped = [row for row in _priced(()) if model in (row["model"], *row["aliases"])]
    if as_json:
        print_json({"model": model, "rates": shipped[0]["rates"] if shipped else None, "free": bool(shipped and shipped[0]["free"])})
        return
    click.echo(
        f"{model} costs {_rates(shipped[0])}, by the shipped list." if shipped else f"{model} has no price now: calls to it are refused."
    )


def list_prices_of(installation: Installation) -> tuple[PriceRow, ...]:
    """Return the operator's own prices."""
    return installation.database.read(list_prices)


def _priced(own: tuple[PriceRow, ...]) -> list[dict[str, Any]]:
    from modelgate.metering.price_list import read_shipped_prices

    by_model = {row.model: row for row in own}
    shipped = read_shipped_prices()
    rows: list[dict[str, Any]] = []
    for entry in shipped:
        row = by_model.get(entry.model)
        priced, set_by = (entry, f"shipped list, {entry.listed}") if row is None else (row, "you")
        facts = {"model": entry.model, "aliases": list(entry.aliases), "provider": entry.provider, "source": entry.source}
        rows.append(facts | {"rates": priced.rates, "free": priced.free, "set_by": set_by})
    known = {entry.model for entry in shipped}
    for row in (row for row in own if row.model not in known):
        facts = {"model": row.model, "aliases": [], "provider": "", "source": ""}
        rows.append(facts | {"rates": row.rates, "free": row.free, "set_by": "you"})
    return rows


def _rates(row: dict[str, Any]) -> str:
    if row["free"]:
        return "nothing"
    return ", ".join(f"{unit} {text}" + ("/M" if UNITS[unit.partition(":")[0]] == MILLION else "") for unit, text in row["rates"].items())
