"""The endpoint table is one, and every endpoint in it is described."""

import pytest

from modelgate.formats.media.family import load_media_families
from modelgate.gateway.endpoints import endpoint_table


def test_every_endpoint_is_described_and_has_a_case() -> None:
    table = endpoint_table(load_media_families())

    assert {"/v1/chat/completions", "/kling/v1/images/generations"} <= {endpoint.path for endpoint in table}
    for endpoint in table:
        assert endpoint.summary
        assert endpoint.description
        assert endpoint.cases, endpoint.name
        assert len({case.name for case in endpoint.cases}) == len(endpoint.cases)


def test_two_endpoints_cannot_share_a_path() -> None:
    families = load_media_families()
    with pytest.raises(ValueError, match="share"):
        endpoint_table([*families, *families])
