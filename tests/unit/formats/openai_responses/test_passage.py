import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS, Quirks
from modelgate.core.usage import Usage
from modelgate.formats.chat.vendor_error import VendorError
from modelgate.formats.chat.wire_format import UnreadableAnswer
from modelgate.formats.openai_responses.passage import StreamTap, make_tap, pass_request, pass_response
from modelgate.formats.openai_responses.peek import peek


class Ids:
    """Ids of ours are the upstream's behind `our-`."""

    def seal(self, vendor_id: str) -> str:
        return f"our-{vendor_id}"

    def open(self, our_id: str) -> str:
        if not our_id.startswith("our-"):
            raise InvalidRequest("Not made here.")
        return our_id.removeprefix("our-")


def asked(body: bytes) -> HttpRequest:
    return HttpRequest(method="POST", path="/v1/responses", headers=HeaderBlock(), body=body)


def passed(body: bytes, model: str = "m", quirks: Quirks = NO_QUIRKS) -> bytes:
    return bytes(pass_request(asked(body), peek(asked(body)), model, quirks, Ids()).body)


ASK = b'{"model" : "m","input":"say \\"model\\" resp_1",  "previous_response_id":"our-resp_1", "extra":[1, 2.50]}'


def test_only_the_model_and_the_ids_change() -> None:
    assert passed(ASK, "up") == ASK.replace(b'"m"', b'"up"').replace(b'"our-resp_1"', b'"resp_1"')
    plain = b'{"model":"m", "input":"Hi","store":false}'
    assert passed(plain) == plain


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"m","conversation":"our-conv_1"}', b'{"model":"m","conversation":"conv_1"}'),
        (b'{"model":"m","conversation":{"id":"our-conv_1"}}', b'{"model":"m","conversation":"conv_1"}'),
    ],
)
def test_a_conversation_is_found_at_its_upstream(body: bytes, expected: bytes) -> None:
    assert passed(body) == expected


@pytest.mark.parametrize("field", ["previous_response_id", "conversation"])
def test_an_id_made_elsewhere_is_refused(field: str) -> None:
    with pytest.raises(InvalidRequest):
        passed(json.dumps({"model": "m", field: "resp_1"}).encode())


def test_fields_are_called_as_the_vendor_calls_them() -> None:
    quirks = Quirks(renames={"user": "end_user"})
    assert json.loads(passed(b'{"model":"m","input":"\\"user\\"","user":"u"}', quirks=quirks))["end_user"] == "u"
    both = b'{"model":"m","user":"u","end_user":"v"}'
    assert passed(both, quirks=quirks) == both


ANSWER = b'{"id":"resp_9", "object":"response","model":"up-2025","status":"completed","previous_response_id":"resp_1","output":[{"id":"msg_1","model":"inner"}],"usage":{"input_tokens":7,"output_tokens":3}}'


def test_an_answer_gets_our_ids_and_the_callers_names() -> None:
    found = pass_response(ANSWER, peek(asked(ASK)), True, Ids())
    assert found.usage == Usage(input_tokens=7, output_tokens=3)
    assert bytes(found.body) == ANSWER.replace(b'"resp_9"', b'"our-resp_9"').replace(b'"up-2025"', b'"m"').replace(
        b'"resp_1"', b'"our-resp_1"'
    )
    assert b'"up-2025"' in bytes(pass_response(ANSWER, peek(asked(ASK)), False, Ids()).body)


def test_an_answer_that_waits_counted_nothing() -> None:
    body = b'{"id":"resp_9","status":"queued","output":[],"usage":null}'
    found = pass_response(body, peek(asked(ASK)), True, Ids())
    assert (found.usage, found.usage_refused) == (None, False)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"choices":[]}', b"\xff", b'{"status":"completed","output":[],"\xff":1,"id":"x"}'])
def test_what_is_no_answer_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        pass_response(body, peek(asked(ASK)), True, Ids())


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields}, separators=(',', ':'))}\n\n".encode()


def lifecycle(word: str, *, our: bool = False, **more: Any) -> bytes:
    ids = {"id": "our-resp_9", "model": "m"} if our else {"id": "resp_9", "model": "up-2025"}
    return event(f"response.{word}", sequence_number=0, response={**ids, "status": "in_progress", "output": [], **more})


USAGE = {"input_tokens": 7, "output_tokens": 3}
DELTAS = (
    event("response.output_text.delta", delta='the "response" and "error" of resp_9', output_index=0, content_index=0)
    + b": keep-alive\n\n"
    + event("response.output_text.delta", delta="response", output_index=0, content_index=0)
    + event("response.function_call_arguments.delta", delta="{}", output_index=1)
)
STREAM = lifecycle("created") + lifecycle("in_progress") + DELTAS + lifecycle("completed", usage=USAGE)


def run(data: bytes, *, size: int, renamed: bool = True) -> tuple[StreamTap, bytes]:
    tap = make_tap(peek(asked(b'{"model":"m","input":"Hi","stream":true}')), renamed, Ids())
    out = b"".join(tap.feed(data[at : at + size]) for at in range(0, len(data), size))
    return tap, out + tap.finish()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 100_000])
def test_every_byte_passes_but_ids_names_and_the_last_words(size: int) -> None:
    tap, out = run(STREAM, size=size)
    assert out == lifecycle("created", our=True) + lifecycle("in_progress", our=True) + DELTAS
    assert tap.final == lifecycle("completed", our=True, usage=USAGE)
    assert (tap.is_done, tap.is_complete(), tap.usage, tap.error) == (True, True, Usage(input_tokens=7, output_tokens=3), None)
    assert tap.events == 3
    assert tap.text == 'the "response" and "error" of resp_9response'


def test_an_incomplete_answer_is_complete_for_us() -> None:
    tap, out = run(lifecycle("created") + lifecycle("incomplete", usage=USAGE), size=50, renamed=False)
    assert (tap.is_complete(), b'"up-2025"' in tap.final, b'"up-2025"' in out) == (True, True, True)


def test_a_failed_answer_passes_on_with_its_class_and_what_it_cost() -> None:
    failed = lifecycle("failed", usage=USAGE, error={"code": "rate_limit_exceeded", "message": "Slow down."})
    tap, out = run(lifecycle("created") + failed, size=1)
    told = {"code": "rate_limit_exceeded", "message": "The upstream takes no more requests for now. Try again later."}
    assert out.endswith(lifecycle("failed", our=True, usage=USAGE, error=told))
    assert tap.error == VendorError(status=429, message="Slow down.", code="rate_limit_exceeded")
    assert (tap.usage, tap.is_done, tap.final) == (Usage(input_tokens=7, output_tokens=3), False, b"")


@pytest.mark.parametrize(
    "error",
    [
        event("error", code="server_error", message="It broke.", param=None, sequence_number=3),
        event("error", error={"code": "server_error", "message": "It broke."}),
        b'data: {"error":{"code":"server_error","message":"It broke."}}\n\n',
    ],
)
def test_an_error_in_the_stream_is_told_in_our_words_and_read(error: bytes) -> None:
    tap, out = run(lifecycle("created") + error, size=9)
    before, _, told = out.rpartition(lifecycle("created", our=True))
    assert (before, b"It broke." in told) == (b"", False)
    assert b'"message":"The upstream failed. Try again shortly."' in told
    assert (b'"code":"server_error"' in told, told.count(b"event:")) == (True, error.count(b"event:"))
    assert (tap.error, tap.is_complete()) == (VendorError(status=502, message="It broke.", code="server_error"), False)


def test_an_error_of_the_callers_passes_as_it_is() -> None:
    error = {"code": "invalid_request_error", "message": "No such tool."}
    assert run(lifecycle("failed", error=error), size=9)[1] == lifecycle("failed", our=True, error=error)


def test_an_answer_that_was_cancelled_passes_as_it_is() -> None:
    assert run(lifecycle("cancelled", error=None), size=9)[1] == lifecycle("cancelled", our=True, error=None)


def test_a_stream_that_breaks_off_is_not_complete() -> None:
    tap, out = run((lifecycle("created") + DELTAS)[:-2], size=11)
    assert (tap.is_complete(), tap.usage) == (False, None)
    assert out == lifecycle("created", our=True) + DELTAS


def test_a_last_event_without_its_blank_line_is_read() -> None:
    tap, _ = run(STREAM[:-2], size=13)
    assert (tap.is_done, tap.usage) == (True, Usage(input_tokens=7, output_tokens=3))


def test_usage_that_cannot_be_is_refused() -> None:
    tap, _ = run(lifecycle("completed", usage={"input_tokens": -7}), size=1000)
    assert (tap.usage, tap.usage_refused, tap.is_done) == (None, True, True)


def test_data_on_several_lines_goes_on_as_several() -> None:
    data = b'event: response.created\ndata: {"type":"response.created",\ndata: "response":{"id":"resp_9","status":"in_progress"}}\n\n'
    _, out = run(data, size=1000)
    assert out == data.replace(b"event: response.created\n", b"").replace(b"resp_9", b"our-resp_9")


def test_other_line_ends_pass_too() -> None:
    tap, out = run(STREAM.replace(b"\n", b"\r\n"), size=3)
    assert out == (lifecycle("created", our=True) + lifecycle("in_progress", our=True) + DELTAS).replace(b"\n", b"\r\n")
    assert tap.usage == Usage(input_tokens=7, output_tokens=3)


@given(st.binary(max_size=80), st.integers(0, len(STREAM)))
def test_odd_bytes_break_nothing(odd: bytes, at: int) -> None:
    tap, _ = run(STREAM[:at] + odd + STREAM[at:], size=1000)
    assert isinstance(tap.text, str)


@given(
    st.dictionaries(
        st.sampled_from(["type", "response", "error", "code", "message"]),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.sampled_from(["id", "model", "usage", "status", "error", "output"]), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    )
)
def test_odd_events_break_nothing(fields: dict[str, Any]) -> None:
    run(f"data: {json.dumps(fields)}\n\n".encode(), size=1000)
