"""The dialect as a whole: every direction by files (`tests/testdata/openai_responses`), round trips, and bytes that nobody should send."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest, UpstreamError
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS
from modelgate.core.usage import Usage
from modelgate.formats.chat import events, request, response
from modelgate.formats.chat.carried import unpack_id
from modelgate.formats.chat.collect import Collector, events_of
from modelgate.formats.chat.request import ChatRequest, Image, Message, Text, Thinking, Tool, ToolCall, ToolResult
from modelgate.formats.chat.response import ChatResponse, Choice
from modelgate.formats.chat.translator import StreamTranslator
from modelgate.formats.chat.vendor_error import VendorError
from modelgate.formats.chat.wire_format import AnswerHead, UnreadableAnswer, load_wire_formats
from modelgate.formats.openai_responses.wire import WIRE_FORMAT

DATA = Path(__file__).parents[3] / "testdata" / "openai_responses"
HEAD = AnswerHead(model="gpt-5-mini", created=1_790_000_000, request_id="req_7Qm")
ASK = {"model": "gpt-5-mini", "input": "Hello."}
KINDS = {
    kind.__name__: kind
    for module in (request, response, events)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
} | {"Usage": Usage, "VendorError": VendorError}


def asked(body: Any) -> HttpRequest:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpRequest(method="POST", path="/v1/responses", headers=HeaderBlock(), body=data, id="req_7Qm")


def described(value: Any) -> Any:
    """A neutral value as JSON: `{"Text": {"text": "Hi"}}`, what is not said left out."""
    if isinstance(value, msgspec.Struct):
        fields = {
            field.name: described(getattr(value, field.name))
            for field in msgspec.structs.fields(value)
            if getattr(value, field.name) != field.default
        }
        return {type(value).__name__: fields}
    if isinstance(value, list | tuple):
        return [described(one) for one in value]
    return value


def built(value: Any) -> Any:
    match value:
        case dict() if len(value) == 1 and next(iter(value)) in KINDS:
            ((name, fields),) = value.items()
            return KINDS[name](**{field: built(one) for field, one in fields.items()})
        case list():
            return tuple(built(one) for one in value)
        case _:
            return value


def decode_request(body: Any) -> Any:
    asking = asked(body)
    try:
        return described(WIRE_FORMAT.decode_request(asking, WIRE_FORMAT.peek(asking)))
    except InvalidRequest as error:
        return {"error": {"message": error.message, "param": error.param, "code": error.code}}


def encode_request(neutral: Any) -> Any:
    try:
        ask = WIRE_FORMAT.encode_request(built(neutral), "gpt-5", NO_QUIRKS)
    except InvalidRequest as error:
        return {"error": {"message": error.message, "param": error.param, "code": error.code}}
    return {"path": ask.path, "ignored": list(ask.ignored), "body": json.loads(ask.body)}


def decode_response(body: Any) -> Any:
    try:
        return described(WIRE_FORMAT.decode_response(json.dumps(body).encode()))
    except UnreadableAnswer as error:
        return {"unreadable": str(error)}


def encode_response(neutral: Any) -> Any:
    return json.loads(WIRE_FORMAT.encode_response(built(neutral), WIRE_FORMAT.peek(asked(ASK)), HEAD))


def decode_stream(chunks: list[str], *, size: int | None = None) -> Any:
    data = "".join(chunks).encode()
    decoder = WIRE_FORMAT.make_decoder()
    found: list[Any] = []
    pieces = [chunk.encode() for chunk in chunks] if size is None else [data[at : at + size] for at in range(0, len(data), size)]
    for piece in pieces:
        found += decoder.feed(piece)
    return described(found + decoder.finish())


def encode_stream(told: Any) -> Any:
    encoder = WIRE_FORMAT.make_encoder(WIRE_FORMAT.peek(asked({**ASK, "stream": True})), HEAD)
    return [encoder.encode(event).decode() for event in built(told)]


DIRECTIONS = {
    "decode-request": decode_request,
    "encode-request": encode_request,
    "decode-response": decode_response,
    "encode-response": encode_response,
    "decode-stream": decode_stream,
    "encode-stream": encode_stream,
}
CASES = [(direction, path) for direction in DIRECTIONS for path in sorted((DATA / direction).glob("*.input.json"))]


@pytest.mark.parametrize(("direction", "path"), CASES, ids=[f"{direction}-{path.name.split('.')[0]}" for direction, path in CASES])
def test_by_files(direction: str, path: Path) -> None:
    expected = json.loads(path.with_name(path.name.replace(".input.", ".output.")).read_text())
    assert json.loads(json.dumps(DIRECTIONS[direction](json.loads(path.read_text())))) == expected


def test_every_direction_has_files() -> None:
    assert {direction for direction, _ in CASES} == set(DIRECTIONS)


@pytest.mark.parametrize("path", [path for direction, path in CASES if direction == "decode-stream"], ids=lambda path: path.name)
@pytest.mark.parametrize("size", [1, 2, 3, 17])
def test_a_stream_reads_the_same_however_it_is_cut(path: Path, size: int) -> None:
    chunks = json.loads(path.read_text())
    assert decode_stream(chunks, size=size) == decode_stream(chunks)


def test_it_is_found_by_its_name() -> None:
    assert load_wire_formats()["openai_responses"] is WIRE_FORMAT
    assert WIRE_FORMAT.stream_type(WIRE_FORMAT.peek(asked(ASK))) == b"text/event-stream; charset=utf-8"
    assert WIRE_FORMAT.keep_alive.startswith(b":")


def test_every_field_name_is_of_the_neutral_request() -> None:
    assert set(WIRE_FORMAT.field_names) <= set(ChatRequest.__struct_fields__)


# Round trips.

words = st.text(min_size=1, max_size=20)
names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
png = st.just(Image(data="iVBORw0KGgo=", media_type="image/png", detail="auto"))
texts = st.builds(Text, text=words)
own_thoughts = st.builds(Thinking, text=st.text(max_size=20), signature=names, sealed=names, format=st.just("openai_responses"))
calls = st.builds(ToolCall, id=names, name=names, arguments=st.sampled_from(['{"a":1}', "{}", "{broken"]))
custom_calls = st.builds(ToolCall, id=names, name=names, arguments=words, custom=st.just(True))


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns that alternate, each call answered in the turn that follows."""
    turns = [Message(role="user", parts=tuple(draw(st.lists(texts | png, min_size=1, max_size=3))))]
    for number in range(draw(st.integers(0, 2))):
        own = draw(st.lists(texts | own_thoughts | calls | custom_calls, min_size=1, max_size=4))
        numbered = [
            msgspec.structs.replace(part, id=f"{part.id}{number}_{index}") if isinstance(part, ToolCall) else part
            for index, part in enumerate(own)
        ]
        results = [
            ToolResult(call_id=part.id, name=part.name, parts=(draw(texts),), custom=part.custom)
            for part in numbered
            if isinstance(part, ToolCall)
        ]
        turns.append(Message(role="assistant", parts=tuple(numbered)))
        turns.append(Message(role="user", parts=(*results, *draw(st.lists(texts, min_size=0 if results else 1, max_size=2)))))
    return tuple(turns)


requests = st.builds(
    ChatRequest,
    model=st.just("m"),
    messages=conversations(),
    system=st.lists(texts, max_size=1).map(tuple),
    stream=st.booleans(),
    max_output_tokens=st.none() | st.integers(1, 1000),
    temperature=st.none() | st.floats(0, 2),
    tools=st.lists(
        st.builds(Tool, name=names, description=st.text(max_size=9), schema=st.just({"type": "object"}), strict=st.booleans()), max_size=2
    ).map(tuple),
    parallel_tool_calls=st.none() | st.booleans(),
    output=st.none()
    | st.builds(request.OutputFormat, kind=st.just("schema"), name=names, schema=st.just({"type": "object"}), strict=st.booleans()),
    reasoning=st.none() | st.builds(request.Reasoning, effort=st.sampled_from(["none", "low", "high"])),
    verbosity=st.sampled_from(["", "low"]),
    metadata=st.none() | st.dictionaries(names, words, min_size=1, max_size=2),
    user=st.text(max_size=5),
)


@given(requests)
def test_a_request_reads_as_it_was_written(asking: ChatRequest) -> None:
    written = WIRE_FORMAT.encode_request(asking, "gpt-5.2", NO_QUIRKS)
    again = asked(bytes(written.body))
    found = WIRE_FORMAT.decode_request(again, WIRE_FORMAT.peek(again))
    assert written.ignored == ()
    assert found == msgspec.structs.replace(asking, model="gpt-5.2")


def unpacked(answer: ChatResponse) -> ChatResponse:
    """What this dialect carries in its own fields, taken out again."""

    def own(part: Any) -> Any:
        if isinstance(part, Thinking) and part.sealed:
            return unpack_id(part.sealed).thinking[0]
        if isinstance(part, ToolCall):
            carried = unpack_id(part.id)
            return msgspec.structs.replace(part, id=carried.id, signature=carried.signature, format=carried.format)
        return part

    choices = tuple(msgspec.structs.replace(choice, parts=tuple(own(part) for part in choice.parts)) for choice in answer.choices)
    return msgspec.structs.replace(answer, id="", model="", choices=choices)


signed_calls = st.builds(ToolCall, id=names, name=names, arguments=st.just('{"a":1}'), signature=names, format=st.just("gemini_content"))
thoughts = st.builds(Thinking, text=st.text(max_size=9), signature=names, format=st.just("anthropic_messages"))


@st.composite
def answers(draw: st.DrawFn) -> ChatResponse:
    parts: list[Any] = []
    for part in draw(st.lists(texts | thoughts | signed_calls | custom_calls | png | st.builds(request.Refusal, text=words), max_size=5)):
        if not parts or type(part) is not type(parts[-1]) or not isinstance(part, Text | request.Refusal):
            parts.append(msgspec.structs.replace(part, detail="") if isinstance(part, Image) else part)
    has_calls = any(isinstance(part, ToolCall) for part in parts)
    finish = draw(st.sampled_from(["length", "content_filter", "tool_calls" if has_calls else "stop"]))
    usage = draw(st.none() | st.just(Usage(input_tokens=9, cached_tokens=4, output_tokens=5, reasoning_tokens=2)))
    return ChatResponse(id="", model="", choices=(Choice(index=0, parts=tuple(parts), finish=finish),), usage=usage)


@given(answers())
def test_an_answer_reads_as_it_was_written(answer: ChatResponse) -> None:
    body = WIRE_FORMAT.encode_response(answer, WIRE_FORMAT.peek(asked(ASK)), HEAD)
    assert unpacked(WIRE_FORMAT.decode_response(body)) == answer


@given(answers(), st.integers(1, 300))
def test_a_stream_reads_as_it_was_written(answer: ChatResponse, size: int) -> None:
    encoder = WIRE_FORMAT.make_encoder(WIRE_FORMAT.peek(asked(ASK)), HEAD)
    data = b"".join(encoder.encode(event) for event in events_of(answer))
    collector = Collector()
    decoder = WIRE_FORMAT.make_decoder()
    for at in range(0, len(data), size):
        for event in decoder.feed(data[at : at + size]):
            collector.add(event)
    assert collector.is_done
    assert decoder.finish() == []
    assert unpacked(collector.response()) == answer


# What nobody should send.

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@st.composite
def mutants(draw: st.DrawFn, direction: str) -> Any:
    """A good input with one value at any depth made another."""
    good = json.loads(draw(st.sampled_from([path for found, path in CASES if found == direction])).read_text())
    return replaced(good, draw(st.sampled_from(places(good))), draw(json_values))


@given(st.binary(max_size=60) | mutants("decode-request").map(lambda value: json.dumps(value).encode()))
def test_no_request_breaks_the_decoder(body: bytes) -> None:
    with suppress(InvalidRequest):
        asking = asked(body)
        neutral = WIRE_FORMAT.decode_request(asking, WIRE_FORMAT.peek(asking))
        WIRE_FORMAT.encode_request(neutral, "m", NO_QUIRKS)


@given(st.binary(max_size=60) | mutants("decode-response").map(lambda value: json.dumps(value).encode()))
def test_no_answer_breaks_the_decoder(body: bytes) -> None:
    with suppress(UnreadableAnswer):
        WIRE_FORMAT.encode_response(WIRE_FORMAT.decode_response(body), WIRE_FORMAT.peek(asked(ASK)), HEAD)


@st.composite
def broken_streams(draw: st.DrawFn) -> bytes:
    chunks = json.loads(draw(st.sampled_from([path for found, path in CASES if found == "decode-stream"])).read_text())
    at = draw(st.integers(0, len(chunks) - 1))
    head, mark, data = chunks[at].partition("data:")
    try:
        good = json.loads(data)
        chunks[at] = head + mark + json.dumps(replaced(good, draw(st.sampled_from(places(good))), draw(json_values))) + "\n\n"
    except ValueError:
        chunks[at] = draw(st.text(max_size=40))
    return "".join(chunks).encode()


@given(st.binary(max_size=60) | broken_streams())
def test_no_stream_breaks_the_decoder_or_what_is_made_of_it(data: bytes) -> None:
    encoder = WIRE_FORMAT.make_encoder(WIRE_FORMAT.peek(asked(ASK)), HEAD)
    relay = StreamTranslator(WIRE_FORMAT.make_decoder(), encoder, encode_error=lambda error: b"")
    relay.feed(data)
    relay.finish()


def test_errors_are_those_of_the_other_openai_dialect() -> None:
    answer = WIRE_FORMAT.encode_error(UpstreamError("It broke."), "req_1")
    assert (answer.status, json.loads(bytes(answer.body))["error"]["code"]) == (502, "bad_upstream_response")  # type: ignore[arg-type]
    found = WIRE_FORMAT.decode_error(
        404, b'{"error":{"message":"No.","type":"invalid_request_error","param":"input","code":"model_not_found"}}'
    )
    assert found == VendorError(status=404, message="No.", type="invalid_request_error", param="input", code="model_not_found")
