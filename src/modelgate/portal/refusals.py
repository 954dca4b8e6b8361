"""What can go wrong at an endpoint, by status, in words."""

from modelgate.core.endpoints import Endpoint
from modelgate.core.errors import ModelgateError
from modelgate.portal.pages import ErrorRow


def refusals_by_status(endpoint: Endpoint) -> dict[int, list[ErrorRow]]:
    """Return the errors that a caller may meet, the unexpected one among them, by the status that the dialect gives them."""
    grouped: dict[int, list[ErrorRow]] = {}
    errors: tuple[type[ModelgateError], ...] = (*endpoint.errors, ModelgateError)
    for error in errors:
        row = ErrorRow(status=endpoint.statuses.get(error, error.status), code=error.code or "", message=_text_of(error))
        grouped.setdefault(row.status, []).append(row)
    return dict(sorted(grouped.items()))


def sentence(row: ErrorRow) -> str:
    """Return an error in one line of Markdown."""
    return f"`{row.code}`: {row.message}" if row.code else row.message


def _text_of(error: type[ModelgateError]) -> str:
    if "text" in error.__dict__ or error is ModelgateError:
        return error.text
    return (error.__doc__ or error.__name__).split("\n")[0]
