"""What docs/suno.md says is what the dialect does."""

from pathlib import Path

import msgspec
import pytest

from modelgate.core import errors
from modelgate.core.errors import ModelgateError
from modelgate.formats.media import refusals
from modelgate.formats.suno import schema
from modelgate.formats.suno.response import encode_error

TEXT = (Path(__file__).parents[4] / "docs" / "suno.md").read_text()
ROWS = {
    cells[0]: cells[1:]
    for line in TEXT.partition("## Errors")[2].splitlines()
    if line.startswith("| ") and len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 4
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
    ("balance or limit exhausted", errors.BalanceExhausted()),
    ("balance or limit exhausted", errors.LimitExhausted()),
    ("rate exceeded", errors.RateExceeded("x", dimension="requests", retry_after_s=1)),
    ("a rule of the fields is broken", errors.InvalidRequest("x", code="invalid_value")),
    ("body too large", errors.BodyTooLarge()),
    ("the vendor refuses the request", errors.UpstreamRefused("x", status=400, code=refusals.INVALID_REQUEST)),
    ("the vendor's content policy", errors.UpstreamRefused("x", status=400, code=refusals.CONTENT_REFUSED)),
    ("no such task or song, or another account's", errors.TaskNotFound()),
    ("no such endpoint", errors.UnknownPath()),
    ("no upstream, or all are busy", errors.NoUpstream()),
    ("the gateway is busy or starting", errors.Overloaded()),
    ("no upstream took the task", errors.UpstreamError()),
    ("a fault of the gateway", errors.ModelgateError()),
]


@pytest.mark.parametrize(("row", "error"), SAID, ids=lambda value: value if isinstance(value, str) else type(value).__name__)
def test_the_table_of_errors_is_true(row: str, error: ModelgateError) -> None:
    status, code, twin = ROWS[row]
    got, body = encode_error(error, request_id="req_1")
    envelope = msgspec.json.decode(body, type=schema.ErrorEnvelope)
    assert (str(got), f"`{envelope.code}`") == (status, code)
    assert twin == (f"`{envelope.error.code}`" if envelope.error.code else "")


def test_the_table_of_errors_is_whole() -> None:
    assert set(ROWS) - {"what happens", "---"} == {row for row, _ in SAID}


def test_every_field_is_described() -> None:
    assert [field for field in schema.MusicBody.__struct_fields__ if f"`{field}`" not in TEXT] == []
    for bound in (
        schema.MAX_DESCRIPTION_CHARACTERS,
        schema.MAX_PROMPT_CHARACTERS,
        schema.MAX_LYRICS_PROMPT_CHARACTERS,
        schema.MAX_EXTRA_BYTES,
    ):
        assert f"{bound:,}" in TEXT
