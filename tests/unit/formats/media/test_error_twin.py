"""The twin says what the error says, in the envelope's words."""

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.error_twin import twin_of


def test_a_twin_has_the_errors_type_code_and_field() -> None:
    twin = twin_of(InvalidRequest("no", param="size", code="invalid_value"), "no (request id: req_1)")
    expected = {"message": "no (request id: req_1)", "type": "invalid_request_error", "code": "invalid_value", "param": "size"}
    assert msgspec.to_builtins(twin) == expected
