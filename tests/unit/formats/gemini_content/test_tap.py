from typing import Any

import msgspec
import pytest

from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.usage import Usage
from modelgate.formats.chat.wire_format import UnreadableAnswer
from modelgate.formats.gemini_content.peek import peek
from modelgate.formats.gemini_content.tap import MAX_UNREAD_BYTES, StreamTap, pass_response

PEEKED = peek(
    HttpRequest(
        method="POST", path="/v1beta/models/mine:generateContent", headers=HeaderBlock(), body=b'{"contents":[{"parts":[{"text":"x"}]}]}'
    )
)


def chunk(text: str, *, reason: str = "", usage: dict[str, int] | None = None) -> bytes:
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}}
    body = {"candidates": [{**candidate, **({"finishReason": reason} if reason else {})}], "modelVersion": "real"}
    return msgspec.json.encode({**body, "usageMetadata": usage} if usage else body)


USAGE = {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10}
COUNTED = Usage(input_tokens=7, output_tokens=3)
CHUNKS = [
    chunk("Grüße ", usage={"promptTokenCount": 7, "totalTokenCount": 7}),
    chunk('"finishReason":"STOP" \\ ] } \\"error\\"'),
    chunk("Welt", reason="STOP", usage={"promptTokenCount": 7, "candidatesTokenCount": 2}),
]
TRAILER = msgspec.json.encode({"usageMetadata": USAGE, "modelVersion": "real"})


def framed(chunks: list[bytes], *, is_sse: bool, end: bytes = b"\r\n\r\n") -> bytes:
    if is_sse:
        return b"".join(b"data: " + one + end for one in chunks)
    return b"[" + b"\n,\r\n".join(chunks) + b"\n]"


def run(data: bytes, *, size: int, is_sse: bool = True, model: str | None = None) -> tuple[StreamTap, bytes]:
    tap = StreamTap(is_sse=is_sse, model=model)
    passed = b"".join(tap.feed(data[at : at + size]) for at in range(0, len(data), size))
    return tap, passed + tap.finish()


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 100_000])
@pytest.mark.parametrize("trailer", [[], [TRAILER]])
def test_events_pass_as_they_are_but_for_the_last_brace(size: int, trailer: list[bytes], end: bytes) -> None:
    data = framed(CHUNKS + trailer, is_sse=True, end=end)
    tap, passed = run(data, size=size)

    assert tap.final == b"}" + end
    assert passed + tap.final == data
    assert tap.usage == (COUNTED if trailer else Usage(input_tokens=7, output_tokens=2))
    assert tap.is_done
    assert tap.is_complete()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 100_000])
@pytest.mark.parametrize("trailer", [[], [TRAILER]])
def test_an_array_passes_chunk_by_chunk(size: int, trailer: list[bytes]) -> None:
    tap, passed = run(framed(CHUNKS + trailer, is_sse=False), size=size, is_sse=False)

    assert tap.final == b"}\n]"
    assert msgspec.json.decode(passed + tap.final) == [msgspec.json.decode(one) for one in CHUNKS + trailer]
    assert tap.usage == (COUNTED if trailer else Usage(input_tokens=7, output_tokens=2))
    assert tap.is_done


@pytest.mark.parametrize("is_sse", [True, False])
def test_an_answer_of_one_chunk_has_begun_before_its_end(is_sse: bool) -> None:
    """A stream of which nothing passes before its end is taken for an empty answer."""
    tap = StreamTap(is_sse=is_sse, model=None)
    assert len(tap.feed(framed([chunk("Hi", reason="STOP")], is_sse=is_sse))) > 50


@pytest.mark.parametrize("is_sse", [True, False])
def test_a_refused_prompt_is_a_whole_answer(is_sse: bool) -> None:
    blocked = msgspec.json.encode({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 9}})
    tap, _ = run(framed([blocked], is_sse=is_sse), size=9, is_sse=is_sse)
    assert (tap.is_complete(), tap.usage) == (True, Usage(input_tokens=9))


@pytest.mark.parametrize("is_sse", [True, False])
def test_a_cut_stream_is_not_complete(is_sse: bool) -> None:
    tap, passed = run(framed(CHUNKS[:2], is_sse=is_sse)[: -1 if is_sse else -2], size=9, is_sse=is_sse)
    assert not tap.is_complete()
    assert not tap.is_done
    assert tap.final == b""
    assert passed


def test_a_reason_on_every_chunk_ends_nothing_early() -> None:
    data = framed([chunk(letter, reason="STOP") for letter in "abc"], is_sse=True)
    tap, passed = run(data, size=5)
    assert passed + tap.final == data


@pytest.mark.parametrize("is_sse", [True, False])
def test_the_model_is_named_as_the_caller_did(is_sse: bool) -> None:
    said = chunk('\\"modelVersion\\":\\"real\\"', reason="STOP")
    tap, passed = run(framed([said], is_sse=is_sse), size=100_000, is_sse=is_sse, model="my-alias")
    whole = passed + tap.final
    assert whole.count(b'"modelVersion":"my-alias"') == 1
    assert b'"modelVersion":"real"' not in whole


@pytest.mark.parametrize("is_sse", [True, False])
def test_an_argument_named_like_the_model_is_left_alone(is_sse: bool) -> None:
    parts = [{"functionCall": {"name": "f", "args": {"modelVersion": "theirs"}}}]
    for more in ({"modelVersion": "real"}, {}):
        said = msgspec.json.encode({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}], **more})
        tap, passed = run(framed([said], is_sse=is_sse), size=100_000, is_sse=is_sse, model="my-alias")
        assert (passed + tap.final).count(b'"theirs"') == 1
        assert (passed + tap.final).count(b'"my-alias"') == len(more)


def test_an_event_of_several_lines_is_renamed_in_one() -> None:
    data = b'data: {"candidates":[{}],\ndata: "modelVersion":"real"}\n\n'
    assert run(data, size=100, model="my-alias")[1] == b'data: {"candidates":[{}], "modelVersion":"my-alias"}\r\n\r\n'


@pytest.mark.parametrize(
    "error",
    [
        b'data: {"error":{"code":503,"message":"busy, key AIzaSy1234567890","status":"UNAVAILABLE"}}\n\n',
        b'{\n "error": {\n  "code": 503,\n  "message": "busy, key AIzaSy1234567890"\n }\n}\n',
        b'data: [{"error":{"code":503,"message":"busy, key AIzaSy1234567890"}}]\n\n',
    ],
)
@pytest.mark.parametrize("size", [1, 9, 100_000])
def test_an_error_in_the_middle_is_passed_on_in_our_words(error: bytes, size: int) -> None:
    tap, passed = run(framed(CHUNKS[:1], is_sse=True) + error, size=size)
    said = msgspec.json.decode(passed.split(b"data: ")[-1])
    told = "The upstream is overloaded or down for now. Try again shortly."
    assert said == {"error": {"code": 503, "message": told, "status": "UNAVAILABLE"}}
    assert tap.error is not None
    assert tap.error.message == "busy, key [removed]"
    assert not tap.is_complete()
    assert tap.feed(framed(CHUNKS, is_sse=True)) == b""


def test_an_error_of_the_callers_in_the_middle_is_passed_on_clean() -> None:
    error = b'data: {"error":{"code":400,"message":"bad, key AIzaSy1234567890","status":"INVALID_ARGUMENT"}}\n\n'
    _, passed = run(framed(CHUNKS[:1], is_sse=True) + error, size=9)
    said = msgspec.json.decode(passed.split(b"data: ")[-1])
    assert said == {"error": {"code": 400, "message": "bad, key [removed]", "status": "INVALID_ARGUMENT"}}


def test_an_error_in_an_array_closes_it() -> None:
    error = b'{"error":{"code":429,"message":"slow down"}}'
    tap, passed = run(framed([CHUNKS[0], error], is_sse=False), size=9, is_sse=False)
    assert msgspec.json.decode(passed + tap.final)[1]["error"]["code"] == 429
    assert tap.error is not None


def test_words_are_kept_until_the_upstream_counts() -> None:
    tap, _ = run(framed([chunk("Grüße "), chunk("Welt", reason="STOP")], is_sse=True), size=9)
    assert (tap.text, tap.events, tap.usage) == ("Grüße Welt", 2, None)
    tap, _ = run(framed(CHUNKS, is_sse=True), size=9)
    assert tap.text == ""


@pytest.mark.parametrize("size", [1, 100_000])
def test_a_stream_that_breaks_off_has_its_last_credible_counts(size: int) -> None:
    counts = [{"promptTokenCount": 7, "candidatesTokenCount": number} for number in (1, 2, 3)]
    chunks = [chunk("x", usage=usage) for usage in counts] + [chunk("x"), chunk("x", usage={"promptTokenCount": -1})]
    tap, _ = run(framed(chunks, is_sse=True), size=size)
    assert not tap.is_complete()
    assert tap.usage == COUNTED
    assert tap.text == ""
    assert tap.events == len(chunks)


@pytest.mark.parametrize("counts", [True, False])
def test_a_long_stream_is_not_kept_unread(counts: bool) -> None:
    tap = StreamTap(is_sse=True, model=None)
    event = framed([chunk("y" * 1000, usage=USAGE if counts else None)], is_sse=True)
    for _ in range(3 * MAX_UNREAD_BYTES // len(event)):
        assert tap.feed(event) == event
        assert sum(map(len, tap._unread)) <= MAX_UNREAD_BYTES
    assert tap.usage == (COUNTED if counts else None)
    assert len(tap.text) == (0 if counts else 1000 * tap.events)


def test_incredible_counts_are_not_believed() -> None:
    tap, _ = run(
        framed([chunk("a", usage={"promptTokenCount": 1}), chunk("b", reason="STOP", usage={"promptTokenCount": -1})], is_sse=True), size=9
    )
    assert tap.usage == Usage(input_tokens=1)
    assert tap.usage_refused


def test_comments_and_broken_events_pass() -> None:
    data = b": hello\n\ndata: {broken\n\n"
    assert run(data, size=100)[1] == data


def test_a_whole_answer_passes() -> None:
    body = chunk("Hi", reason="STOP", usage=USAGE)
    passed = pass_response(body, PEEKED, False, None)
    assert (passed.body, passed.usage, passed.usage_refused) == (body, COUNTED, False)
    assert pass_response(body, PEEKED, True, None).body == body.replace(b"real", b"mine")


def test_a_whole_answers_counts_may_be_missing_or_incredible() -> None:
    assert pass_response(chunk("Hi"), PEEKED, False, None).usage is None
    refused = pass_response(chunk("Hi", usage={"promptTokenCount": -1}), PEEKED, False, None)
    assert (refused.usage, refused.usage_refused) == (None, True)


def test_pictures_without_counts_are_estimated() -> None:
    body = b'{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AA"}}]}}],"usageMetadata":{"promptTokenCount":4}}'
    usage = pass_response(body, PEEKED, False, None).usage
    assert usage is not None
    assert (usage.output_image_tokens, usage.estimated) == (1290, True)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"candidates":[]}', b'{"error":{"code":1}}', b"\xff", b"[" * 100_000])
def test_what_is_no_answer_is_said(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        pass_response(body, PEEKED, False, None)
