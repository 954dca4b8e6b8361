import json

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS, Quirks
from modelgate.core.usage import Usage
from modelgate.formats.chat.wire_format import UnreadableAnswer
from modelgate.formats.openai_chat.passing import pass_request, pass_response
from modelgate.formats.openai_chat.peek import peek_request

RAW = b'{ "messages" : [{"role":"user","content":"hi"}],\n "model":"m", "seed": 1.50 }'


def passed(request: HttpRequest, state_ids, *, model: str = "m", quirks: Quirks = NO_QUIRKS):
    return pass_request(request, peek_request(request), model, quirks, state_ids)


def raw_request(body: bytes = RAW) -> HttpRequest:
    return HttpRequest(method="POST", path="/", headers=HeaderBlock(), body=body)


def test_every_byte_passes_where_nothing_has_to_change(state_ids) -> None:
    ask = passed(raw_request(), state_ids)
    assert (ask.path, ask.body, ask.ignored) == ("/chat/completions", RAW, ())


def test_only_the_models_name_changes(state_ids) -> None:
    assert passed(raw_request(), state_ids, model="other").body == RAW.replace(b'"m"', b'"other"')


def test_a_stream_is_asked_for_its_usage(state_ids, ask) -> None:
    body = json.loads(passed(ask(stream=True), state_ids).body)
    assert body["stream_options"] == {"include_usage": True}
    without = passed(ask(stream=True, stream_options={"include_usage": True}), state_ids, quirks=Quirks(has_stream_options=False))
    assert "stream_options" not in json.loads(without.body)
    assert without.ignored == ()


def test_fields_go_by_the_vendors_names(state_ids, ask) -> None:
    quirks = Quirks(renames={"max_completion_tokens": "max_tokens"})
    assert json.loads(passed(ask(max_completion_tokens=5), state_ids, quirks=quirks).body)["max_tokens"] == 5
    both = json.loads(passed(ask(max_completion_tokens=5, max_tokens=6), state_ids, quirks=quirks).body)
    assert (both["max_tokens"], "max_completion_tokens" in both) == (6, False)
    nested = ask(metadata={"max_completion_tokens": "x"})
    assert passed(nested, state_ids, quirks=quirks).body == nested.body


def test_what_a_vendor_refuses_is_left_out_and_named(state_ids, ask) -> None:
    quirks = Quirks(refuses=frozenset(("seed", "output", "store")))
    found = passed(ask(seed=1, response_format={"type": "json_object"}, top_p=1), state_ids, quirks=quirks)
    assert set(json.loads(found.body)) == {"model", "messages", "top_p"}
    assert found.ignored == ("output", "seed")


def test_the_path_may_name_the_model(state_ids) -> None:
    quirks = Quirks(paths={"openai_chat": "/deployments/{model}/chat/completions"})
    assert passed(raw_request(), state_ids, model="a/b", quirks=quirks).path == "/deployments/a%2Fb/chat/completions"


def test_developers_become_systems_where_they_are_not_known(state_ids, ask) -> None:
    messages = [
        {"role": "developer", "content": '"role":"developer"'},
        {"role": "user", "content": "developer"},
        5,
        {"role": 7, "x": "developer"},
    ]
    request = ask(messages=messages)
    quirks = Quirks(has_developer_role=False)
    assert json.loads(passed(request, state_ids, quirks=quirks).body)["messages"] == [{**messages[0], "role": "system"}, *messages[1:]]
    assert passed(request, state_ids).body == request.body
    without = ask(messages=[{"role": "user", "content": "a developer"}, {"role": "user", "name": "developer", "content": ""}])
    assert passed(without, state_ids, quirks=quirks).body == without.body


def test_an_id_of_ours_becomes_the_upstreams(state_ids, ask) -> None:
    found = passed(ask(messages=[{"role": "assistant", "audio": {"id": "1_oidua"}}]), state_ids)
    assert json.loads(found.body)["messages"][0]["audio"] == {"id": "audio_1"}


def test_an_id_of_others_is_refused(ask) -> None:
    class Strict:
        def seal(self, vendor_id: str) -> str:
            return vendor_id

        def open(self, our_id: str) -> str:
            raise InvalidRequest(f"There is nothing with the id '{our_id}' here.")

    with pytest.raises(InvalidRequest):
        passed(ask(messages=[{"role": "assistant", "audio": {"id": "audio_1"}}]), Strict())


ANSWER = b'{"id":"c", "model":"real","choices":[{"index":0,"message":{"role":"assistant","content":"hi"}}],"usage":{"prompt_tokens":2,"completion_tokens":1}}'


def test_an_answer_passes_with_its_usage_read(state_ids, ask) -> None:
    peek = peek_request(ask())
    found = pass_response(ANSWER, peek, False, state_ids)
    assert (found.body, found.usage) == (ANSWER, Usage(input_tokens=2, output_tokens=1))
    assert pass_response(ANSWER, peek, True, state_ids).body == ANSWER.replace(b'"real"', b'"m"')
    refused = pass_response(ANSWER.replace(b":2", b":-2"), peek, False, state_ids)
    assert (refused.usage, refused.usage_refused) == (None, True)


def test_the_sound_of_an_answer_gets_an_id_of_ours(state_ids, ask) -> None:
    answer = ANSWER.replace(b'"content":"hi"', b'"audio":{"id":"audio_1","data":"AAAA"}')
    assert pass_response(answer, peek_request(ask(modalities=["text", "audio"])), False, state_ids).body == answer.replace(
        b"audio_1", b"1_oidua"
    )


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"choices":[]}', b'{"choices":null}', b"[1]"])
def test_what_is_no_answer_is_unreadable(body: bytes, state_ids, ask) -> None:
    with pytest.raises(UnreadableAnswer):
        pass_response(body, peek_request(ask()), False, state_ids)


def test_symptom_one_sound_named_in_ten_thousand_turns_held_the_loop(ask) -> None:
    """The body was searched and written anew for each of them."""

    class CountedIds:
        opened = 0

        def seal(self, vendor_id: str) -> str:
            return vendor_id

        def open(self, our_id: str) -> str:
            self.opened += 1
            return our_id.removeprefix("our_")

    ids = CountedIds()
    turns = [{"role": "assistant", "audio": {"id": "our_audio"}}] * 10_000
    assert json.loads(passed(ask(messages=turns), ids).body)["messages"][-1]["audio"] == {"id": "audio"}
    assert ids.opened == 1
