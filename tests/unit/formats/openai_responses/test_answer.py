import json
import random
from typing import Any

from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS
from modelgate.formats.chat.events import (
    ChoiceEnd,
    CitationAdded,
    ResponseEnd,
    ResponseStart,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallEnd,
    ToolCallStart,
)
from modelgate.formats.chat.request import Text, Thinking
from modelgate.formats.chat.wire_format import AnswerHead
from modelgate.formats.openai_responses.answer import Answer
from modelgate.formats.openai_responses.peek import peek
from modelgate.formats.openai_responses.request import decode_request
from modelgate.formats.openai_responses.upstream_request import encode_request


def answer(**more: Any) -> Answer:
    request = HttpRequest(method="POST", path="", headers=HeaderBlock(), body=json.dumps({"model": "m", "input": "Hi", **more}).encode())
    return Answer(peek(request), AnswerHead(model="m", created=1, request_id="req_1"))


def told(growing: Answer, *events: StreamEvent) -> list[Any]:
    return [json.loads(json.dumps(one)) for event in events for one in growing.tell(event)]


def test_a_part_begins_empty_whatever_comes_first() -> None:
    events = told(answer(), ResponseStart(), TextDelta(text="Hi", logprobs=[{"token": "Hi"}]))
    (added,) = [event for event in events if event["type"] == "response.content_part.added"]
    assert added["part"] == {"type": "output_text", "text": "", "annotations": [], "logprobs": []}


def test_a_source_told_after_a_call_still_joins_its_text() -> None:
    growing = answer()
    start = ToolCallStart(index=0, id="c", name="f")
    citation = CitationAdded(citation={"type": "url_citation", "url_citation": {"url": "u"}})
    told(growing, TextDelta(text="Hi"), start, ToolCallEnd(index=0), citation, ChoiceEnd(finish="tool_calls"), ResponseEnd())
    assert growing.response()["output"][0]["content"][0]["annotations"][0]["url"] == "u"


def test_a_source_of_nothing_is_not_told() -> None:
    assert [event["type"] for event in told(answer(), ResponseStart(), CitationAdded(citation={}))] == [
        "response.created",
        "response.in_progress",
    ]


def test_seals_too_large_to_carry_are_left_out() -> None:
    growing = answer()
    sealed = random.Random(1).randbytes(100_000).hex()
    told(growing, ThinkingEnd(sealed=sealed, format="anthropic_messages"), ChoiceEnd(finish="stop"))
    assert growing.response()["output"] == [{"id": "rs_1_0", "type": "reasoning", "summary": [], "encrypted_content": None}]


def test_settings_are_told_again() -> None:
    (created, _) = told(answer(instructions="Be brief.", tools=[{"type": "function", "name": "f"}]), ResponseStart())
    assert (created["response"]["instructions"], created["response"]["tools"][0]["name"]) == ("Be brief.", "f")


def test_a_history_with_thoughts_that_nobody_signed_does_not_reach_the_vendor_as_it_is() -> None:
    """A reasoning item of ours, made of another vendor's thoughts, was sent to OpenAI by its id, which answers 404."""
    growing = answer()
    told(growing, ThinkingDelta(text="Hm."), TextDelta(text="Hi"), ChoiceEnd(finish="stop"))
    body = json.dumps({"model": "m", "input": [*growing.response()["output"], {"role": "user", "content": "Go on."}]}).encode()
    request = HttpRequest(method="POST", path="", headers=HeaderBlock(), body=body)
    assert peek(request).needs_hub
    neutral = decode_request(request, peek(request))
    assert neutral.messages[0].parts == (Thinking(text="Hm."), Text(text="Hi"))
    assert b"reasoning" not in encode_request(neutral, "m", NO_QUIRKS).body
