import json

import pytest

from modelgate.sandbox.openai.errors import Refused, provoked


def test_the_body_has_all_four_members() -> None:
    response = Refused("No.", param="n").response()
    assert response.status_code == 400
    assert json.loads(bytes(response.body)) == {"error": {"message": "No.", "type": "invalid_request_error", "param": "n", "code": None}}
    assert "retry-after" not in response.headers


@pytest.mark.parametrize(
    ("status", "code"), [(400, "invalid_value"), (401, "invalid_api_key"), (429, "rate_limit_exceeded"), (500, None), (529, "slow_down")]
)
def test_provoked_errors(status: int, code: str | None) -> None:
    refused = provoked(status)
    assert (refused.status, refused.code) == (status, code)
    assert ("retry-after" in refused.response().headers) == (status == 429)
