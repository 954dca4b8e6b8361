"""The declared routes of `/v1/tasks` do what their cases say."""

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.family import MediaCall
from modelgate.formats.openai_chat.reference import ErrorAnswer
from modelgate.formats.tasks.family import FAMILY

CASES = [(route, case) for route in FAMILY.routes for case in route.endpoint.cases]


@pytest.mark.parametrize(("route", "case"), CASES, ids=lambda value: getattr(value, "name", ""))
def test_examples_fit_the_published_schemas(route: object, case: object) -> None:
    endpoint = route.endpoint  # type: ignore[attr-defined]
    if case.response is None:  # type: ignore[attr-defined]
        assert endpoint.content_type == "text/event-stream"
        return
    kind = endpoint.response if case.status == 200 else ErrorAnswer  # type: ignore[attr-defined]
    assert msgspec.to_builtins(msgspec.convert(case.response, kind)) == case.response  # type: ignore[attr-defined]


def test_cases_of_submits_are_taken_or_refused_as_they_say() -> None:
    for route, case in CASES:
        if case.request is None:
            continue
        assert route.decode is not None
        call = MediaCall(body=msgspec.json.encode(case.request), operations_of=lambda _: ("image", "video"))
        if case.status == 200:
            assert route.decode(call).operation == "video"
            continue
        with pytest.raises(InvalidRequest) as refused:
            route.decode(call)
        status, body = FAMILY.encode_error(refused.value, request_id="req_5f0c1b9e7a2d4c6f8e013579")
        assert (status, msgspec.json.decode(body)) == (case.status, case.response)
