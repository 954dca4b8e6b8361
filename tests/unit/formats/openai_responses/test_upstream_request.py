import json

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import NO_QUIRKS, Quirks
from modelgate.formats.chat.request import ChatRequest, Message, Reasoning, Text
from modelgate.formats.openai_responses.upstream_request import encode_request, path_of

ASK = ChatRequest(model="m", messages=(Message(role="user", parts=(Text(text="Hi"),)),), stop=("END",), user="u", seed=1)


def test_ways_of_a_vendor() -> None:
    quirks = Quirks(
        paths={"openai_responses": "/v2/{model}/answers"},
        query="?api-version=1",
        renames={"user": "end_user"},
        refuses=frozenset(("stop", "n")),
    )
    ask = encode_request(ASK, "a/b", quirks)
    assert ask.path == "/v2/a%2Fb/answers?api-version=1"
    assert json.loads(ask.body)["end_user"] == "u"
    assert ask.ignored == ("stop", "seed")


def test_what_changes_the_meaning_is_refused_under_its_neutral_name() -> None:
    with pytest.raises(InvalidRequest) as caught:
        encode_request(ASK, "m", NO_QUIRKS)
    assert (caught.value.param, caught.value.code) == ("stop", "unsupported_parameter")


@pytest.mark.parametrize(
    ("reasoning", "said", "include"),
    [
        (Reasoning(effort="high"), {"effort": "high"}, ["reasoning.encrypted_content"]),
        (Reasoning(effort="none", show=True), {"effort": "none"}, None),
        (Reasoning(show=True), {"summary": "auto"}, ["reasoning.encrypted_content"]),
        (Reasoning(adaptive=True), None, ["reasoning.encrypted_content"]),
        (None, None, None),
    ],
)
def test_thoughts_are_asked_for_sealed_wherever_there_may_be_some(reasoning: Reasoning | None, said: object, include: object) -> None:
    request = ChatRequest(model="m", messages=ASK.messages, reasoning=reasoning)
    body = json.loads(encode_request(request, "gpt-5.2", NO_QUIRKS).body)
    assert (body.get("reasoning"), body.get("include")) == (said, include)


def test_models_that_do_not_think_are_not_asked_to() -> None:
    ask = encode_request(ChatRequest(model="m", messages=ASK.messages, reasoning=Reasoning(effort="high")), "openai/gpt-4o", NO_QUIRKS)
    assert (ask.ignored, json.loads(ask.body).keys() & {"reasoning", "include"}) == (("reasoning",), set())


def test_paths() -> None:
    assert path_of("m", NO_QUIRKS) == "/responses"
    assert path_of("m", Quirks(query="a=1"), below="/resp_1/cancel") == "/responses/resp_1/cancel?a=1"
