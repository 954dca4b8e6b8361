"""The declared routes of OpenAI's videos do what their cases say."""

import msgspec
import pytest

from modelgate.formats.media.family import MediaCall, MediaRoute
from modelgate.formats.openai_videos.family import FAMILY


@pytest.mark.parametrize("route", FAMILY.routes, ids=lambda route: route.endpoint.name)
def test_examples_fit_the_published_schemas_and_are_taken(route: MediaRoute) -> None:
    for case in route.endpoint.cases:
        if route.endpoint.response is not None:
            assert msgspec.to_builtins(msgspec.convert(case.response, route.endpoint.response)) == case.response
        if case.request is not None:
            assert route.decode is not None
            call = MediaCall(body=msgspec.json.encode(case.request), values=case.path_values)
            assert route.decode(call).request.prompt == case.request["prompt"]
