"""What passes and what is read of it."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.formats.openai_chat.conftest import ReversedIds

from modelgate.core.usage import Usage
from modelgate.formats import kept_words, sse
from modelgate.formats.kept_words import MAX_KEPT_BYTES
from modelgate.formats.openai_chat.tap import StreamTap


def chunk(content: str, *, usage: str = '"usage":null', finish: str = "null", model: str = "m") -> bytes:
    text = f'{{"id":"c","object":"chat.completion.chunk","created":1,"model":"{model}","choices":[{{"index":0,"delta":{{"content":"{content}"}},"finish_reason":{finish}}}],{usage}}}'
    return b"data: " + text.encode() + b"\n\n"


USAGE = b'data: {"id":"c","model":"m","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}\n\n'
DONE = b"data: [DONE]\n\n"
WORDS = chunk("Grüße ") + b": keep-alive\n\n" + chunk('\\"usage\\": {1} [x] \\"error\\"') + chunk("", finish='"stop"')


def tap_of(*, asked: bool = False, model: str | None = None) -> StreamTap:
    return StreamTap(usage_asked=asked, model=model, state_ids=ReversedIds())


def run(data: bytes, *, size: int, asked: bool = False, model: str | None = None) -> tuple[StreamTap, bytes]:
    tap = tap_of(asked=asked, model=model)
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


def test_cumulative_usage_is_taken_last_and_never_summed() -> None:
    data = b"".join(chunk("a", usage=f'"usage":{{"prompt_tokens":5,"completion_tokens":{n}}}') for n in (1, 2, 3)) + DONE
    assert run(data, size=50)[0].usage == Usage(input_tokens=5, output_tokens=3)


def test_usage_that_cannot_be_is_not_believed() -> None:
    tap, _ = run(USAGE + b'data: {"choices":[],"usage":{"prompt_tokens":-7,"completion_tokens":3}}\n\n' + DONE, size=1000)
    assert (tap.usage, tap.usage_refused) == (Usage(input_tokens=7, output_tokens=3), True)


def test_azures_first_chunk_without_choices_or_usage_passes() -> None:
    first = b'data: {"id":"","model":"","choices":[],"prompt_filter_results":[],"usage":null}\n\n'
    assert run(first + chunk("a") + DONE, size=1000)[1] == first + chunk("a")


def test_the_model_is_named_as_the_caller_did() -> None:
    words = chunk("a", model="real") + chunk('\\"model\\":\\"real\\"', model="real")
    _, passed = run(words + USAGE + DONE, size=33, asked=True, model="my-alias")
    assert passed == words.replace(b'"model":"real"', b'"model":"my-alias"') + USAGE.replace(b'"m"', b'"my-alias"')


def test_an_error_in_the_middle_is_read_and_told_in_our_words() -> None:
    error = b'data: {"error":{"message":"full","type":"overloaded_error","param":null,"code":null}}\n\n'
    tap, passed = run(chunk("a") + error, size=11)
    told = b"The upstream is overloaded or down for now. Try again shortly."
    assert passed == chunk("a") + error.replace(b"full", told).replace(b"overloaded_error", b"upstream_error")
    assert tap.error is not None
    assert (tap.error.status, tap.error.message) == (503, "full")
    assert not tap.is_complete()
    assert run(b'data: {"choices":[],"error":null}\n\n' + DONE, size=1000)[0].error is None


def test_an_error_of_the_callers_in_the_middle_passes_as_it_is() -> None:
    error = b'data: {"error":{"message":"No such tool.","type":"invalid_request_error","param":"tools","code":null}}\n\n'
    assert run(chunk("a") + error, size=11)[1] == chunk("a") + error


def test_what_follows_an_error_is_no_event_of_the_answer() -> None:
    error = b'data: {"error":{"message":"full","code":429}}\n\n'
    assert [run(before + error + DONE, size=1000)[0].events for before in (b"", b": hm\n\n", chunk("a"))] == [1, 1, 2]


def test_a_cut_stream_is_not_complete_and_one_with_a_finish_reason_is() -> None:
    assert not run(chunk("a", finish='""'), size=1000)[0].is_complete()
    assert run(chunk("a") + chunk("", finish='"length"'), size=13)[0].is_complete()
    two = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":null},{"index":1,"delta":{},"finish_reason":null}]}\n\n'
    assert run(two + chunk("", finish='"stop"'), size=1000)[0].is_complete()
    assert not run(chunk("", finish='"stop"') + chunk("b") * 4, size=13)[0].is_complete()


def test_what_comes_after_the_end_is_ignored() -> None:
    tap, passed = run(chunk("a") + DONE + chunk("late"), size=1000)
    assert passed == chunk("a")
    assert tap.feed(chunk("later")) == b""


def test_a_last_event_without_its_blank_line_is_made_whole() -> None:
    assert run((chunk("a"))[:-2], size=10)[1] == chunk("a")


def test_the_words_are_kept_for_counting() -> None:
    call = b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}}]}\n\n'
    thought = b'data: {"choices":[{"delta":{"reasoning_content":"hm "}}]}\n\n'
    tap, _ = run(thought + chunk("Grüße") + call + DONE, size=17)
    assert tap.text == "hm Grüßef{}"
    assert tap.events == 4


def test_only_so_much_is_kept() -> None:
    tap = tap_of()
    for _ in range(100):
        tap.feed(chunk("x" * 10_000))
    assert MAX_KEPT_BYTES <= len(tap.text) * 1.1 < MAX_KEPT_BYTES * 1.2


@pytest.mark.parametrize("together", [1, 3])
def test_symptom_a_thousand_words_took_300_kb_until_the_end_of_the_stream(together: int) -> None:
    """Every chunk was kept as it came, for counting its words, which hardly ever have to be counted."""
    tap = tap_of()
    tracemalloc.start()
    try:
        for number in range(0, 1000, together):
            tap.feed(b"".join(chunk(f" word{at}") for at in range(number, number + together)))
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert tap.text.startswith(" word0 word1 word2 word3")
    assert tap.text.count("word") == tap.events == 1000 + -1000 % together
    assert kept_bytes < 20_000


def test_ids_of_sounds_become_ours() -> None:
    sound = b'data: {"choices":[{"index":0,"delta":{"audio":{"id":"audio_1","transcript":"Hi"}}}]}\n\n'
    assert run(sound + DONE, size=13)[1] == sound.replace(b"audio_1", b"1_oidua")


def test_an_endless_event_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1000)
    tap = tap_of()
    with pytest.raises(sse.EventTooLong):
        for _ in range(30):
            tap.feed(b"x" * 100)


def test_naming_the_model_keeps_the_upstreams_spaces() -> None:
    """Symptom: `"model": "real"` went on as `"model":"my-alias"`, a byte fewer than the upstream wrote."""
    event = b'data: {"id": "c", "model" : "real", "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": null}]}\n\n'
    assert run(event + DONE, size=1000, model="my-alias")[1] == event.replace(b"real", b"my-alias")


def test_half_an_event_waits() -> None:
    tap = tap_of()
    assert tap.feed(USAGE[:40]) == b""
    assert tap.feed(USAGE[40:]) == b""
    assert tap.usage is not None


def test_a_large_event_in_many_reads_costs_no_copy_of_the_whole_each_time() -> None:
    """A picture of megabytes comes in small reads: joining at every read would take quadratic time."""
    tap = tap_of()
    piece = b"x" * 1000
    for _ in range(20_000):
        assert tap.feed(piece) == b""
    assert len(tap.feed(b"\n\n")) == 20_000_002


def _event(words: str, *, behind: str = '"},"finish_reason":null}],"usage":null}') -> bytes:
    return f'data: {{"id":"c","model":"vendors-name","choices":[{{"index":0,"delta":{{"content":"{words}{behind}\n\n'.encode()


_TRICKS = (
    _event("word"),
    _event(""),
    _event("other words, of another length"),
    _event(r"said \"usage\": 5"),
    _event(r"ends in a backslash \\"),
    _event("x\\", behind='"usage\\":5"},"finish_reason":null}],"usage":null}'),
    _event("x", behind='"},"finish_reason":null}],"usage":{"prompt_tokens":3,"completion_tokens":2}}'),
    _event("x", behind='"},"finish_reason":"stop"}],"usage":null}'),
    _event('x","usage":{"prompt_tokens":1,"completion_tokens":9},"y":"'),
    _event('x"},"finish_reason":null}],"usage":null}\n\ndata: [DONE]\n\ndata: {"choices":[{"delta":{"content":"'),
    _event("x\n\ndata: [DONE]\n\ndata: y"),
    _event("x\r\rdata: [DONE]\r\rdata: y"),
    _event("word") + _event("words"),
    b'data: {"error":{"message":"no","code":"x"}}\n\n',
    b'data: {"id":"c","model":"vendors-name","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n',
    b"data: [DONE]\n\n",
    b": comment\n\n",
)


def _passed(reads: list[bytes], *, model: str | None, looks: int) -> tuple[object, ...]:
    tap = StreamTap(usage_asked=False, model=model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_words, "MAX_TRIES", looks)
        said = b"".join(tap.feed(read) for read in reads) + tap.finish()
    return said, tap.usage, tap.usage_refused, tap.is_done, tap.error, tap.final, tap.is_complete(), tap.text


@given(st.lists(st.sampled_from(_TRICKS), max_size=12), st.sampled_from([None, "callers-name"]))
def test_events_told_at_a_glance_are_passed_as_those_that_are_looked_at(reads: list[bytes], model: str | None) -> None:
    assert _passed(reads, model=model, looks=16) == _passed(reads, model=model, looks=0)


def test_an_event_that_differs_in_its_words_alone_is_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    tap = StreamTap(usage_asked=False, model="callers-name")
    assert tap.feed(_event("one")) == _event("one").replace(b"vendors-name", b"callers-name")
    monkeypatch.setattr(StreamTap, "_look", lambda _self, _data: pytest.fail("it was looked at"))
    assert tap.feed(_event("two")) == _event("two").replace(b"vendors-name", b"callers-name")
    assert tap.events == 2
