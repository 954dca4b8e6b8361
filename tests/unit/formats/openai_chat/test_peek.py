import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.chat.carried import Carried, pack_id
from modelgate.formats.openai_chat.peek import peek_request

FUNCTION = {"type": "function", "function": {"name": "f"}}


def test_peek_tells_what_routing_and_money_need(ask) -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    found = peek_request(ask(n=2, max_tokens=7, stream=True, messages=[{"role": "user", "content": [picture, picture]}]))
    assert (found.model, found.stream, found.n, found.output_limit, found.images) == ("m", True, 2, 7, 2)
    assert (found.needs_hub, found.state, found.includes_usage) == (False, "", False)


def test_a_bad_body_is_refused(ask) -> None:
    with pytest.raises(InvalidRequest):
        peek_request(HttpRequest(method="POST", path="/", headers=HeaderBlock(), body=b'{"model":'))


@pytest.mark.parametrize("name", ["n", "max_tokens", "max_completion_tokens"])
def test_symptom_money_was_held_for_a_bound_that_was_said_again_higher(name: str) -> None:
    """One upstream heeds the first of two, another the last: of a bound too it has to be said once."""
    for bounds in (b'"%b":1,"messages":[1],"%b":9', b'"%b":9,"messages":[1],"%b":9'):
        body = b'{"model":"m",' + bounds.replace(b"%b", name.encode()) + b"}"
        with pytest.raises(InvalidRequest, match="given twice") as refused:
            peek_request(HttpRequest(method="POST", path="/", query="", headers=HeaderBlock(b""), body=body))
        assert refused.value.param == name


def test_a_bound_may_be_spoken_of_elsewhere() -> None:
    body = b'{"model":"m","max_tokens":5,"messages":[{"max_tokens":9}],"metadata":{"n":"1"}}'
    assert peek_request(HttpRequest(method="POST", path="/", query="", headers=HeaderBlock(b""), body=body)).output_limit == 5


def test_ids_that_carry_another_vendors_state_need_the_hub(ask) -> None:
    id = pack_id(Carried("c1", "gemini_content", "signature"))
    call = {"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": id, "content": "1"}]
    assert peek_request(ask(messages=messages)).needs_hub
    assert not peek_request(ask(messages=[{"role": "user", "content": "call_mg1 in words"}])).needs_hub
    long = [{"role": "user", "content": "x" * 100_000}, *messages]
    assert peek_request(ask(messages=long)).needs_hub


def test_a_sound_of_an_earlier_answer_binds_to_its_upstream(ask) -> None:
    messages = [{"role": "user", "content": '"audio":{"id":"no"}'}, {"role": "assistant", "audio": {"id": "audio_7"}}]
    assert peek_request(ask(messages=messages)).state == "audio_7"
    assert peek_request(ask(modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"})).state == ""
    assert peek_request(ask(messages=[{"role": "assistant", "audio": 5}, "audio"])).state == ""


def test_the_older_form_of_tools_is_told_apart(ask) -> None:
    assert peek_request(ask(functions=[{"name": "f"}])).is_legacy
    assert not peek_request(ask(functions=[{"name": "f"}], tools=[FUNCTION])).is_legacy
    assert not peek_request(ask(functions=[])).is_legacy


def test_a_named_tool_is_a_forced_call(ask) -> None:
    assert peek_request(ask(tools=[FUNCTION], tool_choice=FUNCTION)).forces_call
    assert peek_request(ask(functions=[{"name": "f"}], function_call={"name": "f"})).forces_call
    assert not peek_request(ask(tools=[FUNCTION], tool_choice="required")).forces_call
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [FUNCTION]}}
    assert not peek_request(ask(tools=[FUNCTION], tool_choice=allowed)).forces_call


def test_the_usage_chunk_is_wanted_when_asked_for(ask) -> None:
    assert peek_request(ask(stream=True, stream_options={"include_usage": True})).includes_usage
