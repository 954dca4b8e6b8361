"""The declarations of the messages family: every case is a request that the dialect reads and the vendor takes."""

import json

import msgspec
import pytest

from modelgate.core.endpoints import Case
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.anthropic_messages.errors import status_of
from modelgate.formats.anthropic_messages.reference import ErrorAnswer, MessageRequest
from modelgate.formats.anthropic_messages.request import peek
from modelgate.formats.anthropic_messages.request_decoder import decode_request
from modelgate.gateway.endpoints_messages import MESSAGE_CASES, MESSAGE_ENDPOINTS
from modelgate.sandbox.anthropic.checks import Terms, check_create


@pytest.mark.parametrize("case", MESSAGE_CASES, ids=lambda case: case.name)
def test_every_case_is_a_request_that_is_read_and_taken(case: Case) -> None:
    request = HttpRequest(method="POST", path="/v1/messages", headers=HeaderBlock(), body=json.dumps(case.request).encode())
    assert decode_request(request, peek(request)).ignored == ()
    check_create(case.request, Terms(version="2023-06-01"))
    msgspec.convert(case.request, MessageRequest)


def test_endpoints_tell_the_statuses_of_the_dialect() -> None:
    for endpoint in MESSAGE_ENDPOINTS:
        assert endpoint.error is ErrorAnswer
        for error in endpoint.errors:
            made = error.__new__(error)
            assert endpoint.statuses.get(error, error.status) == status_of(made)
