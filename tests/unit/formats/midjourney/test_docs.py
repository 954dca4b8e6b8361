"""What docs/midjourney.md says is what the dialect does."""

from pathlib import Path

import pytest

from modelgate.core import errors
from modelgate.formats.media import refusals
from modelgate.formats.media.family import MediaRoute
from modelgate.formats.midjourney.family import FAMILY
from modelgate.formats.midjourney.response import code_of, encode_error

TEXT = (Path(__file__).parents[4] / "docs" / "midjourney.md").read_text()
ROWS = {
    cells[0]: cells[1:]
    for line in TEXT.partition("## Errors")[2].splitlines()
    if line.startswith("| ") and len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 4
}
SAID: list[tuple[str, errors.ModelgateError]] = [
    ("no key, or a wrong one", errors.InvalidKey()),
    ("what the key may not do", errors.ModelNotAllowed()),
    ("a model without a price", errors.UnpricedModel()),
    ("unknown model", errors.UnknownModel()),
    ("no such endpoint; another method", errors.UnknownPath()),
    ("no such endpoint; another method", errors.MethodNotAllowed()),
    ("a rule of the fields is broken", errors.InvalidRequest("x")),
    ("a body that is no JSON; a form; too large", errors.InvalidRequest("x", code="invalid_json")),
    ("a body that is no JSON; a form; too large", errors.UnsupportedMediaType()),
    ("a body that is no JSON; a form; too large", errors.BodyTooLarge()),
    ("an earlier task that has not come so far", errors.InvalidRequest("x", code="task_not_ready")),
    ("no such task, or another account's", errors.TaskNotFound()),
    ("balance or limit exhausted", errors.LimitExhausted()),
    ("rate exceeded", errors.RateExceeded("x", dimension="requests", retry_after_s=1)),
    ("no upstream, or all are busy", errors.NoUpstream()),
    ("the gateway is busy or starting", errors.Overloaded()),
    ("the upstream refuses the request", errors.UpstreamRefused("x", status=400, code=refusals.INVALID_REQUEST)),
    ("the upstream's banned words", errors.UpstreamRefused("x", status=400, code=refusals.CONTENT_REFUSED)),
    ("no upstream took the task", errors.UpstreamError()),
    ("it cannot be canceled", errors.TaskNotCancelable()),
    ("a fault of the gateway", errors.ModelgateError()),
]


@pytest.mark.parametrize(("row", "error"), SAID, ids=lambda value: value if isinstance(value, str) else "")
def test_the_table_of_errors_is_true(row: str, error: errors.ModelgateError) -> None:
    status, code, _ = ROWS[row]
    assert str(encode_error(error, request_id="")[0]) in status.split("; ")
    assert str(code_of(error)) == code


def test_the_table_of_errors_is_whole() -> None:
    assert set(ROWS) - {"what happens", "---"} == {row for row, _ in SAID}


@pytest.mark.parametrize("route", FAMILY.routes, ids=lambda route: route.endpoint.name)
def test_every_path_and_field_is_documented(route: MediaRoute) -> None:
    assert route.endpoint.path in TEXT
    if route.endpoint.request is not None:
        assert [name for name in route.endpoint.request.__struct_encode_fields__ if f"`{name}`" not in TEXT] == []
