"""What docs/kling.md says is what the dialect does."""

import re
from pathlib import Path

import pytest

from modelgate.core import errors
from modelgate.core.errors import ModelgateError
from modelgate.formats.kling import schema
from modelgate.formats.kling.response import encode_error
from modelgate.formats.media import refusals

TEXT = (Path(__file__).parents[4] / "docs" / "kling.md").read_text()
ROWS = {
    cells[0]: cells[1:]
    for line in TEXT.partition("## Errors")[2].splitlines()
    if line.startswith("| ") and len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 5
}

SAID: list[tuple[str, ModelgateError]] = [
    ("no key", errors.MissingKey()),
    ("wrong key", errors.InvalidKey()),
    ("expired key", errors.ExpiredKey()),
    ("disabled key", errors.DisabledKey()),
    ("foreign address", errors.ForeignAddress()),
    ("model not allowed", errors.ModelNotAllowed()),
    ("unpriced model", errors.UnpricedModel()),
    ("unknown model", errors.UnknownModel()),
    ("model that is for other work", errors.UnsupportedOperation()),
    ("balance or limit exhausted", errors.BalanceExhausted()),
    ("balance or limit exhausted", errors.LimitExhausted()),
    ("rate exceeded", errors.RateExceeded("x", dimension="requests", retry_after_s=1)),
    ("a rule of the fields is broken", errors.InvalidRequest("x", code="invalid_value")),
    ("a form, where there is JSON to send", errors.UnsupportedMediaType("x")),
    ("body too large", errors.BodyTooLarge()),
    ("the vendor refuses the request", errors.UpstreamRefused("x", status=400, code=refusals.INVALID_REQUEST)),
    ("the vendor's content policy", errors.UpstreamRefused("x", status=400, code=refusals.CONTENT_REFUSED)),
    ("no such task, or another account's", errors.TaskNotFound()),
    ("no such endpoint", errors.UnknownPath()),
    ("another method", errors.MethodNotAllowed()),
    ("no upstream, or all are busy", errors.NoUpstream()),
    ("the gateway is busy or starting", errors.Overloaded()),
    ("no upstream took the task", errors.UpstreamError()),
    ("a fault of the gateway", errors.ModelgateError()),
]


@pytest.mark.parametrize(("row", "error"), SAID, ids=lambda value: value if isinstance(value, str) else type(value).__name__)
def test_the_table_of_errors_is_true(row: str, error: ModelgateError) -> None:
    status, code, kind, word = ROWS[row]
    got, body = encode_error(error, request_id="req_1")

    assert (str(got), f'"code":{code},') == (status, re.match(rb'\{("code":\d+,)', body).group(1).decode())  # type: ignore[union-attr]
    assert f"`{error.type}`" in kind
    assert (f"`{error.code}`" in word) if error.code else not word


def test_the_table_of_errors_is_whole() -> None:
    assert set(ROWS) - {"what happens", "---"} == {row for row, _ in SAID}


def test_every_field_is_documented() -> None:
    for field in schema.ImageBody.__struct_fields__:
        assert f"`{field}`" in TEXT, field
