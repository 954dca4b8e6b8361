from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.usage import Usage
from modelgate.formats.chat.collect import Collector, events_of, words_in
from modelgate.formats.chat.events import (
    ChoiceEnd,
    RefusalDelta,
    ResponseFailed,
    ResponseStart,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStart,
)
from modelgate.formats.chat.request import Audio, Image, Refusal, Text, Thinking, ToolCall
from modelgate.formats.chat.response import ChatResponse, Choice
from modelgate.formats.chat.vendor_error import VendorError

words = st.text(min_size=1, max_size=20)
parts = st.lists(
    st.one_of(
        words.map(lambda text: Text(text=text)),
        st.builds(Thinking, text=words, signature=words, format=st.just("anthropic_messages")),
        st.builds(Thinking, sealed=words, format=st.just("anthropic_messages")),
        words.map(lambda text: Refusal(text=text)),
        st.builds(ToolCall, id=words, name=words, arguments=st.text(max_size=20), signature=st.sampled_from(["", "signed"])),
        st.builds(Image, data=words, media_type=st.just("image/png")),
        st.builds(Audio, data=words, vendor_id=words, transcript=words),
    ),
    max_size=6,
)


def _merged(found: list[object]) -> tuple[object, ...]:
    """Neighbours of one kind are one part on a stream."""
    kept: list[object] = []
    for part in found:
        last = kept[-1] if kept else None
        if isinstance(part, Text | Refusal) and type(last) is type(part):
            kept[-1] = type(part)(text=last.text + part.text)
        else:
            kept.append(part)
    return tuple(kept)


@given(st.lists(parts, min_size=1, max_size=3), st.sampled_from(["stop", "length", "tool_calls", "content_filter"]))
def test_an_answer_told_as_events_is_collected_as_it_was(choices: list[list[object]], finish: str) -> None:
    response = ChatResponse(
        id="resp",
        model="m",
        choices=tuple(Choice(index=index, parts=_merged(found), finish=finish) for index, found in enumerate(choices)),
        usage=Usage(input_tokens=3, output_tokens=2),
    )
    collector = Collector()
    for event in events_of(response):
        collector.add(event)
    assert collector.is_done
    assert collector.response() == response


def test_interleaved_calls_are_told_apart_by_their_index() -> None:
    collector = Collector()
    for event in (
        ResponseStart(id="a", model="m"),
        ThinkingDelta(text="hm"),
        ToolCallStart(index=0, id="c0", name="f"),
        ToolCallStart(index=1, id="c1", name="g"),
        ToolCallDelta(index=1, arguments='{"b":'),
        ToolCallDelta(index=0, arguments='{"a":1}'),
        ToolCallDelta(index=1, arguments="2}"),
        ChoiceEnd(finish="tool_calls"),
    ):
        collector.add(event)
    thought, first, second = collector.response().choices[0].parts
    assert thought == Thinking(text="hm")
    assert (first, second) == (ToolCall(id="c0", name="f", arguments='{"a":1}'), ToolCall(id="c1", name="g", arguments='{"b":2}'))


def test_logprobs_are_told_once_and_collected_in_order() -> None:
    collector = Collector()
    collector.add(TextDelta(text="a", logprobs=[1]))
    collector.add(TextDelta(text="b", logprobs=[2]))
    assert collector.response().choices[0].logprobs == [1, 2]


def test_a_failure_is_kept_and_is_no_end() -> None:
    collector = Collector()
    failed = ResponseFailed(error=VendorError(status=529))
    collector.add(failed)
    assert collector.failed is failed
    assert not collector.is_done


def test_whatever_was_said_is_counted() -> None:
    said = [
        ThinkingDelta(text="Hm. "),
        TextDelta(text="No, "),
        RefusalDelta(text="I cannot. "),
        ToolCallStart(index=0, id="call_1", name="look_up"),
        ToolCallDelta(index=0, arguments='{"a":1}'),
        ChoiceEnd(finish="stop"),
    ]

    assert words_in(said) == 'Hm. No, I cannot. look_up{"a":1}'
