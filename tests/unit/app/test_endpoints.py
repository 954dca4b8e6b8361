"""The whole table: the gateway's endpoints and the account API's."""

import pytest

from modelgate.app.endpoints import every_endpoint
from modelgate.formats.media.family import load_media_families


def test_every_endpoint_is_described_and_has_a_case() -> None:
    table = every_endpoint(load_media_families())

    assert {"/v1/chat/completions", "/kling/v1/images/generations", "/api/state"} <= {endpoint.path for endpoint in table}
    for endpoint in table:
        assert endpoint.summary
        assert endpoint.description
        assert endpoint.cases, endpoint.name
        assert len({case.name for case in endpoint.cases}) == len(endpoint.cases)


def test_two_endpoints_cannot_share_a_path() -> None:
    families = load_media_families()
    with pytest.raises(ValueError, match="share"):
        every_endpoint([*families, *families])
