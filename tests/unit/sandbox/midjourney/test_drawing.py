import io

from msgspec.structs import replace
from PIL import Image

from modelgate.sandbox.midjourney.drawing import draw_job, film_job
from modelgate.sandbox.midjourney.jobs import MidjourneyJob
from modelgate.sandbox.videos import frame_of

JOB = MidjourneyJob(id="7", uuid="u", action="IMAGINE", prompt="a fox", width=512, height=256, variant=9)


def test_a_grid_holds_four_that_differ() -> None:
    with Image.open(io.BytesIO(draw_job(JOB))) as grid:
        tiles = [grid.crop((x, y, x + 256, y + 128)).tobytes() for x in (0, 256) for y in (0, 128)]
    assert len(set(tiles)) == 4
    assert draw_job(JOB, is_preview=True) != draw_job(JOB)


def test_one_of_four_made_large_has_its_colours() -> None:
    large = replace(JOB, action="UPSCALE", variant=9 * 4 + 1)
    with Image.open(io.BytesIO(draw_job(JOB))) as grid, Image.open(io.BytesIO(draw_job(large))) as picture:
        corner, same = grid.getpixel((500, 4)), picture.getpixel((500, 4))
    assert isinstance(corner, tuple)
    assert isinstance(same, tuple)
    assert max(abs(one - other) for one, other in zip(corner, same, strict=True)) < 24


def test_videos_have_the_size() -> None:
    with Image.open(io.BytesIO(frame_of(film_job(replace(JOB, seconds=1.0, width=96, height=64), 0)))) as frame:
        assert frame.size == (96, 64)
