import pytest

from modelgate.formats.midjourney.buttons import MODELS, Pressed, read_custom_id

UUID = "3ad5e2b8-6d1c-4a57-9a0e-2f6c1b7d8e90"


@pytest.mark.parametrize(
    ("custom_id", "pressed"),
    [
        (f"MJ::JOB::upsample::3::{UUID}", Pressed("UPSCALE", 3)),
        (f"MJ::JOB::upsample_v6_2x_subtle::1::{UUID}::SOLO", Pressed("UPSCALE", 1)),
        (f"MJ::JOB::variation::2::{UUID}", Pressed("VARIATION", 2)),
        (f"MJ::JOB::reroll::0::{UUID}::SOLO", Pressed("REROLL")),
        (f"MJ::JOB::low_variation::1::{UUID}::SOLO", Pressed("LOW_VARIATION")),
        (f"MJ::JOB::high_variation::1::{UUID}::SOLO", Pressed("HIGH_VARIATION")),
        (f"MJ::Outpaint::50::1::{UUID}::SOLO", Pressed("ZOOM")),
        (f"MJ::CustomZoom::{UUID}", Pressed("CUSTOM_ZOOM")),
        (f"MJ::Inpaint::1::{UUID}::SOLO", Pressed("INPAINT")),
        (f"MJ::JOB::pan_left::1::{UUID}::SOLO", Pressed("PAN")),
        (f"MJ::JOB::animate_high::1::{UUID}::SOLO", Pressed("VIDEO")),
        ("MJ::Job::PicReader::all", Pressed("IMAGINE")),
        ("MJ::Picread::Retry", Pressed("IMAGINE")),
        ("MJ::Job::PromptAnalyzer::2", Pressed("IMAGINE")),
    ],
)
def test_what_a_button_means(custom_id: str, pressed: Pressed) -> None:
    assert read_custom_id(custom_id) == pressed
    assert MODELS[pressed.action].startswith("mj_")


@pytest.mark.parametrize(
    "custom_id", ["", "MJ", "MJ::", "MJ::JOB", "MJ::JOB::", f"MJ::BOOKMARK::{UUID}", "XX::JOB::upsample::1::u", "::::::"]
)
def test_what_means_nothing(custom_id: str) -> None:
    """The reference gateway reads past the end of short ones."""
    assert read_custom_id(custom_id) is None


def test_an_index_beyond_the_four_is_none() -> None:
    assert read_custom_id("MJ::JOB::upsample::9::u") == Pressed("UPSCALE", 0)
