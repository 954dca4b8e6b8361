"""What commands print: tables for people, JSON for machines."""

from collections.abc import Iterable, Sequence
from typing import Any

import click
import msgspec

PIPE_WIDTH = 240
"""Columns of a table that goes into a file or pipe, where nothing says how wide it may be."""


def print_json(value: Any) -> None:  # whatever msgspec can encode
    """Print one JSON document, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """Print a table, or the sentence `empty` when it has no rows."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # Text: a name like [red] is a name, not markup
    if table.row_count == 0:
        click.echo(empty)
        return
    console = Console()
    Console(width=console.width if console.is_terminal else PIPE_WIDTH).print(table)
