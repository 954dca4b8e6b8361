import pytest

from modelgate.core.errors import UpstreamError
from modelgate.core.usage import Usage
from modelgate.formats.openai_chat import stream as stream_module
from modelgate.formats.openai_chat.stream import EventTooLong, StreamTap, encode_stream_error


def chunk(content: str, *, usage: str = '"usage":null', finish: str = "null", model: str = "m") -> bytes:
    text = f'{{"id":"c","object":"chat.completion.chunk","created":1,"model":"{model}","choices":[{{"index":0,"delta":{{"content":"{content}"}},"finish_reason":{finish}}}],{usage}}}'
    return b"data: " + text.encode() + b"\n\n"


USAGE = b'data: {"id":"c","model":"m","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}\n\n'
DONE = b"data: [DONE]\n\n"
WORDS = chunk("Grüße ") + b": keep-alive\n\n" + chunk('\\"usage\\": {1} [x] \\"error\\"') + chunk("", finish='"stop"')


def run(data: bytes, *, size: int, asked: bool = False, model: str | None = None) -> tuple[StreamTap, bytes]:
    tap = StreamTap(usage_asked=asked, model=model)
    passed = b"".join(tap.feed(data[at : at + size]) for at in range(0, len(data), size))
    return tap, passed + tap.finish()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 100_000])
@pytest.mark.parametrize("asked", [True, False])
def test_every_byte_passes_but_the_usage_chunk_nobody_asked_for_and_the_last_words(size: int, asked: bool) -> None:
    tap, passed = run(WORDS + USAGE + DONE, size=size, asked=asked)
    assert passed == WORDS + (USAGE if asked else b"")
    assert tap.final == DONE
    assert tap.usage == Usage(input_tokens=7, output_tokens=3)
    assert tap.is_complete()


@pytest.mark.parametrize("newline", [b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 5, 100_000])
def test_other_line_ends_pass_too(newline: bytes, size: int) -> None:
    data = (WORDS + USAGE + DONE).replace(b"\n", newline)
    tap, passed = run(data, size=size)
    assert passed == WORDS.replace(b"\n", newline)
    assert (tap.is_done, tap.usage) == (True, Usage(input_tokens=7, output_tokens=3))


def test_usage_on_the_finish_chunk_is_read_and_the_chunk_stays() -> None:
    data = chunk("a") + chunk("", finish='"stop"', usage='"usage": {"prompt_tokens":1,"completion_tokens":2}') + DONE
    tap, passed = run(data, size=9)
    assert passed + tap.final == data
    assert tap.usage == Usage(input_tokens=1, output_tokens=2)


def test_cumulative_usage_on_every_chunk_is_taken_last_never_summed() -> None:
    data = b"".join(chunk("a", usage=f'"usage":{{"prompt_tokens":5,"completion_tokens":{n}}}') for n in (1, 2, 3)) + DONE
    tap, _ = run(data, size=50)
    assert tap.usage == Usage(input_tokens=5, output_tokens=3)


def test_negative_usage_is_not_believed_and_the_last_credible_stays() -> None:
    tap, _ = run(USAGE + b'data: {"choices":[],"usage":{"prompt_tokens":-7,"completion_tokens":3}}\n\n' + DONE, size=1000)
    assert tap.usage == Usage(input_tokens=7, output_tokens=3)


def test_azures_first_chunk_without_choices_or_usage_passes() -> None:
    first = b'data: {"id":"","model":"","choices":[],"prompt_filter_results":[],"usage":null}\n\n'
    assert run(first + chunk("a") + DONE, size=1000)[1] == first + chunk("a")


def test_the_model_is_named_as_the_caller_did() -> None:
    _, passed = run(
        chunk("a", model="real") + chunk('\\"model\\":\\"real\\"', model="real") + USAGE + DONE, size=33, asked=True, model="my-alias"
    )
    assert passed == chunk("a", model="my-alias") + chunk('\\"model\\":\\"real\\"', model="my-alias") + USAGE.replace(b'"m"', b'"my-alias"')


def test_naming_the_model_keeps_the_upstreams_spaces() -> None:
    """Symptom: `"model": "real"` went on as `"model":"my-alias"`, a byte fewer than the upstream wrote."""
    event = b'data: {"id": "c", "model" : "real", "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": null}]}\n\n'
    assert run(event + DONE, size=1000, model="my-alias")[1] == event.replace(b"real", b"my-alias")


def test_an_error_in_the_middle_is_seen_and_passed_on() -> None:
    error = b'data: {"error":{"message":"overloaded","type":"server_error","param":null,"code":null}}\n\n'
    tap, passed = run(chunk("a") + error, size=11)
    assert passed == chunk("a") + error
    assert tap.error is not None
    assert not tap.is_complete()


def test_error_null_is_no_error() -> None:
    assert run(b'data: {"choices":[],"error":null}\n\n' + DONE, size=1000)[0].error is None


def test_a_cut_stream_is_not_complete_and_one_with_a_finish_reason_is() -> None:
    assert not run(chunk("a"), size=1000)[0].is_complete()
    assert run(chunk("a") + chunk("", finish='"length"'), size=13)[0].is_complete()


def test_a_last_event_without_its_blank_line_is_made_whole() -> None:
    assert run((chunk("a"))[:-2], size=10)[1] == chunk("a")


def test_half_an_event_waits() -> None:
    tap = StreamTap(usage_asked=False)
    assert tap.feed(USAGE[:40]) == b""
    assert tap.feed(USAGE[40:]) == b""
    assert tap.usage is not None


def test_what_comes_after_the_end_is_ignored() -> None:
    tap, passed = run(chunk("a") + DONE, size=1000)
    assert tap.feed(chunk("late")) == b""
    assert passed == chunk("a")


def test_an_endless_event_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "MAX_EVENT_BYTES", 1000)
    tap = StreamTap(usage_asked=False)
    with pytest.raises(EventTooLong):
        for _ in range(30):
            tap.feed(b"x" * 100)


def test_a_large_event_in_many_reads_costs_no_copy_of_the_whole_each_time() -> None:
    """A picture of megabytes comes in small reads: joining at every read would take quadratic time."""
    tap = StreamTap(usage_asked=False)
    piece = b"x" * 1000
    for _ in range(20_000):
        assert tap.feed(piece) == b""
    assert len(tap.feed(b"\n\n")) == 20_000_002


def test_an_error_event_is_what_the_official_client_raises_on() -> None:
    assert encode_stream_error(UpstreamError("cut"), "req_1").startswith(b'data: {"error":{"message":"cut (request id: req_1)"')
