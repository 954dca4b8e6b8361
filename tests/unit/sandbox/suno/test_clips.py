from modelgate.sandbox.sound_files import read_sound
from modelgate.sandbox.suno.checks import SunoOrder
from modelgate.sandbox.suno.clips import WORKING_S, SunoTask, describe_clip, draw_cover, make_clip, words_of

ORDER = SunoOrder(action="MUSIC", mv="chirp-auk", description="a waltz for the moon\nmagic: slow-task")
TASK = SunoTask(id="3f2a0000-1", order=ORDER, clips=("00000000-a", "0000004f-b"), created_at=100.0, working_s=WORKING_S)


def test_magic_lines_are_not_sung() -> None:
    title, words = words_of(ORDER)
    assert "moon" in (title + words).casefold()
    assert "magic" not in words
    assert words_of(SunoOrder(action="MUSIC", prompt="[Verse]\nLa la", title="La"))[1] == "[Verse]\nLa la"


def test_a_clip_is_described_and_made() -> None:
    first, second = (TASK.clip(index, now=200.0) for index in (0, 1))
    assert (first.duration_s, second.duration_s) == (24.0, 31.9)
    told = describe_clip(first, base_url="http://sandbox/")
    assert (told["audio_url"], told["video_url"]) == ("http://sandbox/suno/files/00000000-a.mp3", "")
    assert told["created_at"] == "1970-01-01T00:01:40.000Z"
    assert abs(read_sound(make_clip(second), "mp3").duration_s - 31.9) < 0.1
    assert draw_cover(first, large=False) != draw_cover(second, large=False)


def test_an_early_clip_has_no_addresses() -> None:
    told = describe_clip(TASK.clip(0, now=100.0), base_url="http://sandbox/")
    assert told["audio_url"] == told["image_url"] == told["image_large_url"] == ""
