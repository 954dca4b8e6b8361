import pytest
from msgspec.structs import replace

from modelgate.sandbox.midjourney.jobs import SUBMITTED_S, MidjourneyJob, buttons_of, read_custom_id, show_job

JOB = MidjourneyJob(id="7", uuid="u", action="IMAGINE", prompt="a fox", created_at=100.0, starts_at=100.0)


@pytest.mark.parametrize(
    ("custom_id", "read"),
    [
        ("MJ::JOB::upsample::3::u", ("UPSCALE", 3)),
        ("MJ::JOB::variation::2::u", ("VARIATION", 2)),
        ("MJ::JOB::reroll::0::u::SOLO", ("REROLL", 0)),
        ("MJ::JOB::pan_left::1::u::SOLO", ("PAN", 1)),
        ("MJ::Outpaint::75::1::u::SOLO", ("ZOOM", 75)),
        ("MJ::CustomZoom::u", ("CUSTOM_ZOOM", 0)),
        ("MJ::Job::PicReader::all", ("PIC_READER", 0)),
        ("MJ::Picread::Retry", ("DESCRIBE", 0)),
        ("MJ::BOOKMARK::u", ("", 0)),
        ("MJ", ("", 0)),
        ("MJ::JOB", ("", 0)),
    ],
)
def test_custom_ids(custom_id: str, read: tuple[str, int]) -> None:
    assert read_custom_id(custom_id) == read


def test_the_buttons_of_one_picture_all_mean_something() -> None:
    buttons = buttons_of(replace(JOB, action="UPSCALE"))
    assert [button["customId"] for button in buttons if not read_custom_id(str(button["customId"]))[0]] == ["MJ::BOOKMARK::u"]


def test_states_by_age() -> None:
    assert [JOB.status(now) for now in (99.9, 100.1, 100.5, 102.0)] == ["NOT_START", "SUBMITTED", "IN_PROGRESS", "SUCCESS"]
    assert replace(JOB, starts_at=None).status(200.0) == "MODAL"
    shown = show_job(replace(JOB, end="FAILURE"), 102.0, files_url="http://files/")
    assert (shown["status"], shown["imageUrl"], shown["finishTime"]) == ("FAILURE", "", 101_200)


def test_its_beginning_and_its_end_are_changes_and_an_open_dialog_is_one() -> None:
    assert replace(JOB, working_s=1.0).changes_s(100.0) == pytest.approx((SUBMITTED_S, 1.0))
    assert replace(JOB, starts_at=None).changes_s(100.0) == (0.0,)
