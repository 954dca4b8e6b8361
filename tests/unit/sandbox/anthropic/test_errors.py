import json

import pytest

from modelgate.sandbox.anthropic.errors import Refused, provoked


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "overloaded_error"),
    ],
)
def test_the_body_of_an_error(status: int, kind: str) -> None:
    response = Refused("no", status=status).response(request_id="req_1")
    assert json.loads(bytes(response.body)) == {"type": "error", "error": {"type": kind, "message": "no"}, "request_id": "req_1"}
    assert response.headers.get("retry-after") == ("1" if status == 429 else None)


@pytest.mark.parametrize("status", [400, 401, 429, 500, 529])
def test_errors_that_magic_asks_for(status: int) -> None:
    assert provoked(status).status == status
    assert provoked(status).message
