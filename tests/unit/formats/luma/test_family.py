"""The declared routes of the Luma family do what their cases say."""

import msgspec
import pytest

from modelgate.core.endpoints import Case
from modelgate.core.errors import InvalidRequest
from modelgate.formats.luma import schema
from modelgate.formats.luma.family import FAMILY
from modelgate.formats.media.family import MediaCall, MediaRoute

SUBMITS = [(route, case) for route in FAMILY.routes if route.action == "submit" for case in route.endpoint.cases]


@pytest.mark.parametrize(("route", "case"), SUBMITS, ids=lambda value: value.name if isinstance(value, Case) else "")
def test_a_case_is_taken_or_refused_as_it_says(route: MediaRoute, case: Case) -> None:
    assert route.decode is not None
    call = MediaCall(body=msgspec.json.encode(case.request), values=case.path_values)
    if case.status != 400:
        request = route.decode(call).request
        assert request.prompt in (case.request.get("user_prompt"), case.request.get("prompt"), "")
        assert {item.role for item in request.inputs} <= set(route.inputs)
        return
    with pytest.raises(InvalidRequest) as caught:
        route.decode(call)
    status, answer = FAMILY.encode_error(caught.value, request_id="req_5f0c1b9e7a2d4c6f8e013579")
    assert (status, msgspec.json.decode(answer)) == (case.status, case.response)


@pytest.mark.parametrize("route", FAMILY.routes, ids=lambda route: route.endpoint.name)
def test_examples_fit_the_published_schemas(route: MediaRoute) -> None:
    for case in route.endpoint.cases:
        kind = {200: route.endpoint.response, 201: route.endpoint.response, 204: None}.get(case.status, schema.ErrorBody)
        if kind is not None:
            assert msgspec.to_builtins(msgspec.convert(case.response, kind)) == case.response


def test_all_routes_live_under_the_prefix() -> None:
    assert all(route.endpoint.path.startswith(FAMILY.prefix) for route in FAMILY.routes)


def test_hooks_hear_when_the_vendor_begins() -> None:
    # It is one of the vendor's states, of which it tells, and none of ours.
    assert FAMILY.tells_progress


def test_the_earlier_task_is_named_as_its_callers_know_it() -> None:
    # An unknown id in the path was an error about `parent`, a word of ours.
    named = {route.endpoint.name: {**FAMILY.field_names, **route.field_names}["parent"] for route in FAMILY.routes if route.with_parent}
    assert named["extend_luma_generation"] == named["upscale_dream_generation"] == "id"
    assert named["submit_dream_video"] == "keyframes"
