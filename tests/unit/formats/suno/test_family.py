"""The declared routes of the Suno family do what their cases say."""

import msgspec
import pytest

from modelgate.core.endpoints import Case
from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.family import MediaCall, MediaRoute
from modelgate.formats.suno import schema
from modelgate.formats.suno.family import FAMILY, decode_action

SUBMITS = [(route, case) for route in FAMILY.routes if route.action == "submit" for case in route.endpoint.cases]


@pytest.mark.parametrize(("route", "case"), SUBMITS, ids=lambda value: value.name if isinstance(value, Case) else "")
def test_a_case_is_taken_or_refused_as_it_says(route: MediaRoute, case: Case) -> None:
    assert route.decode is not None
    call = MediaCall(body=msgspec.json.encode(case.request), values=case.path_values)
    if case.status == 200:
        assert route.decode(call).operation.startswith("music")
        return
    with pytest.raises(InvalidRequest) as caught:
        route.decode(call)
    assert case.response is not None
    status, answer = FAMILY.encode_error(caught.value, request_id="req_5f0c1b9e7a2d4c6f8e013579")
    told = msgspec.json.decode(answer)
    assert (status, told["code"], told["error"]["param"]) == (case.status, case.response["code"], case.response["error"]["param"])
    assert told["message"] == case.response["message"]


@pytest.mark.parametrize("route", FAMILY.routes, ids=lambda route: route.endpoint.name)
def test_examples_fit_the_published_schemas(route: MediaRoute) -> None:
    for case in route.endpoint.cases:
        schema_type = route.endpoint.response if case.status == 200 else schema.ErrorEnvelope
        assert msgspec.to_builtins(msgspec.convert(case.response, schema_type)) == case.response


@pytest.mark.parametrize(
    ("action", "operation"), [("MUSIC", "music"), ("Music", "music"), ("LYRICS", "music.lyrics"), ("lyrics", "music.lyrics")]
)
def test_an_action_in_any_case(action: str, operation: str) -> None:
    call = MediaCall(body=b'{"prompt": "la", "gpt_description_prompt": "rain"}', values={"action": action})
    assert decode_action(call).operation == operation


def test_an_action_that_nobody_knows() -> None:
    with pytest.raises(InvalidRequest, match="invalid_action"):
        decode_action(MediaCall(body=b'{"prompt": "la"}', values={"action": "dance" * 40}))


def test_all_routes_live_under_the_prefix() -> None:
    assert all(route.endpoint.path.startswith(FAMILY.prefix) for route in FAMILY.routes)
