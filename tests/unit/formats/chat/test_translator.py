import pytest

from modelgate.core.usage import Usage
from modelgate.formats.chat import translator as translator_module
from modelgate.formats.chat.events import (
    ChoiceEnd,
    RefusalDelta,
    ResponseEnd,
    ResponseFailed,
    ResponseStart,
    StreamEvent,
    TextDelta,
    UsageReport,
)
from modelgate.formats.chat.translator import StreamTranslator
from modelgate.formats.chat.vendor_error import VendorError
from modelgate.formats.chat.wire_format import WireFormatsOnDemand, load_wire_formats


class Script:
    """Decodes one letter as the event of that name."""

    EVENTS = {
        "s": ResponseStart(id="x"),
        "t": TextDelta(text="word"),
        "c": ChoiceEnd(finish="stop"),
        "u": UsageReport(usage=Usage(input_tokens=2, output_tokens=1)),
        "b": UsageReport(usage=None),
        "f": ResponseFailed(error=VendorError(status=529, message="full")),
        "e": ResponseEnd(),
    }

    def feed(self, data: bytes) -> list[StreamEvent]:
        return [self.EVENTS[letter] for letter in data.decode()]

    def finish(self) -> list[StreamEvent]:
        return []


class Names:
    def encode(self, event: StreamEvent) -> bytes:
        return type(event).__name__.encode() + b" "


def _translator() -> StreamTranslator:
    return StreamTranslator(Script(), Names(), encode_error=lambda error: b"error %d" % error.status)


def test_the_last_words_are_held_back() -> None:
    translator = _translator()
    assert translator.feed(b"sttcu") == b"ResponseStart TextDelta TextDelta ChoiceEnd UsageReport "
    assert translator.feed(b"e") == b""
    assert (translator.final, translator.is_done) == (b"ResponseEnd ", True)
    assert translator.usage == Usage(input_tokens=2, output_tokens=1)
    assert (translator.text, translator.events) == ("wordword", 2)


def test_a_refusal_is_made_of_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Script, "EVENTS", {"t": TextDelta(text="No, "), "r": RefusalDelta(text="I cannot.")})
    translator = _translator()
    translator.feed(b"tr")
    assert (translator.text, translator.events) == ("No, I cannot.", 2)


def test_the_words_are_kept_in_order_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Script, "EVENTS", {letter: TextDelta(text=letter) for letter in "abcdefghijklmnopqrstuvwxyzü"} | {"!": TextDelta(text="\ud83d")}
    )
    alphabet = "abcdefghijklmnopqrstuvwxyzü"
    translator = _translator()
    for _ in range(3):
        translator.feed(alphabet.encode())
    assert (translator.text, translator.text) == (alphabet * 3, alphabet * 3)
    translator.feed(b"!a")
    assert translator.text == alphabet * 3 + "?a"
    monkeypatch.setattr(translator_module, "MAX_KEPT_BYTES", 10)
    translator.feed(b"b")
    assert translator.text == alphabet * 3 + "?a"


def test_nothing_follows_the_end_or_an_error() -> None:
    translator = _translator()
    assert translator.feed(b"set") == b"ResponseStart "
    assert translator.feed(b"t") == b""
    failed = _translator()
    assert failed.feed(b"stfte") == b"ResponseStart TextDelta error 529"
    assert failed.error == VendorError(status=529, message="full")
    assert failed.feed(b"te") == b""
    assert failed.finish() == b""
    assert not failed.is_done


def test_a_body_that_ends_after_its_finish_reason_is_whole() -> None:
    whole = _translator()
    whole.feed(b"stc")
    assert whole.finish() == b""
    assert (whole.is_complete(), whole.final) == (True, b"ResponseEnd ")
    cut = _translator()
    cut.feed(b"st")
    cut.finish()
    assert (cut.is_complete(), cut.final) == (False, b"")


def test_counts_that_cannot_be_are_refused() -> None:
    translator = _translator()
    translator.feed(b"sub")
    assert translator.usage is None
    assert translator.usage_refused


def test_a_dialect_loaded_on_demand_is_the_one_that_is_loaded_with_all() -> None:
    on_demand = WireFormatsOnDemand()
    assert len(on_demand) == 0
    assert {name: on_demand[name] for name in load_wire_formats()} == load_wire_formats() == on_demand
