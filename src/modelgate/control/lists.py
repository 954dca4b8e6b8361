"""What the queries of all lists share: how much, where to go on, whose, in which book.

A list is answered as `{"object": "list", "data": […], "next": …}`: `next` is the `after` of the page that follows, null on the last one.
"""

from collections.abc import Sequence
from typing import Annotated, TypeVar

from msgspec import Meta

from modelgate.core.money import Book

DEFAULT_ROWS = 50
MAX_ROWS = 200
MAX_CURSOR_LENGTH = 200
MAX_FILTER_LENGTH = 200

Limit = Annotated[int, Meta(ge=1, le=MAX_ROWS, description=f"Most rows in the answer, 1 to {MAX_ROWS}.", examples=[DEFAULT_ROWS])]
After = Annotated[str, Meta(max_length=MAX_CURSOR_LENGTH, description="`next` of the page before; empty for the first page.")]
Next = Annotated[str | None, Meta(description="The `after` of the page that follows; null on the last page.")]
BookName = Annotated[Book, Meta(description="`live` is real money and real vendors, `test` is the sandbox's.")]
AccountName = Annotated[
    str,
    Meta(
        max_length=MAX_FILTER_LENGTH,
        description="Only this account, by its id. Owners and admins may name any; without it they see all, and others their own.",
    ),
]

Row = TypeVar("Row")


def page_of(rows: Sequence[Row], limit: int) -> tuple[Sequence[Row], bool]:
    """Return the rows of a page and whether more follow; the store was asked for one more than `limit`."""
    return rows[:limit], len(rows) > limit
