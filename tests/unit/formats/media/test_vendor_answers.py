import msgspec
import pytest

from modelgate.core.providers import VendorState
from modelgate.core.records import TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.vendor_answers import failed, finished, parse_deleted, percent_in, percent_of, reader_of, taken
from modelgate.formats.media.vendor_status import MAX_MESSAGE_CHARACTERS


class Job(msgspec.Struct):
    id: str


@pytest.mark.parametrize("body", [b"", b"\xff", b"[" * 100_000, b'{"id": 1}', b"{}", b'"\xc3"'])
def test_what_is_not_of_the_form_is_none(body: bytes) -> None:
    assert reader_of(Job)(body) is None


def test_what_is_of_the_form_is_read() -> None:
    assert reader_of(Job)(b'{"id": "a", "more": 1}') == Job(id="a")


def test_a_job_without_an_id_may_exist() -> None:
    assert taken("j") == VendorState(state="running", vendor_task="j")
    assert taken("") == VendorState()


def test_a_job_without_a_result_has_failed() -> None:
    output = TaskOutput(kind="image", url="https://files.example/a.png")
    assert finished((output,), job="j") == VendorState(state="succeeded", vendor_task="j", progress=100, outputs=(output,))
    state = finished((), job="j")
    assert (state.state, state.vendor_task, state.error_code) == ("failed", "j", refusals.GENERATION_FAILED)


def test_a_failure_keeps_as_much_of_the_vendors_words_as_may_be() -> None:
    assert len(failed("x" * 10_000).error_message) == MAX_MESSAGE_CHARACTERS
    assert failed("", word=refusals.CONTENT_REFUSED).error_message == "The vendor could not make this."


def test_only_a_good_answer_is_a_deletion() -> None:
    assert [parse_deleted(status, b"").state for status in (200, 204, 202, 404, 500)] == ["canceled", "canceled", None, None, None]


@pytest.mark.parametrize(("told", "percent"), [(0.5, 50), (1, 100), (None, 0), (-0.1, 0), (1.1, 0)])
def test_progress_as_a_part_of_one(told: float | None, percent: int) -> None:
    assert percent_of(told) == percent


@pytest.mark.parametrize(
    ("told", "percent"), [("30%", 30), ("100%", 99), (7, 7), ("", 0), (None, 0), ("soon", 0), (-5, 0), ("²", 0), ("9999", 0)]
)
def test_progress_as_a_text(told: str | int | None, percent: int) -> None:
    assert percent_in(told) == percent
