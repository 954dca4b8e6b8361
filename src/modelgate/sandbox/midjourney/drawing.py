"""The pictures and videos of the make-believe Midjourney: grids of four, single pictures, clips."""

from PIL import Image, ImageFilter

from modelgate.sandbox.magic import read_magic
from modelgate.sandbox.midjourney.jobs import GRIDS, MidjourneyJob
from modelgate.sandbox.pictures import encode_picture, paint
from modelgate.sandbox.videos import make_video

PREVIEW_BLUR_PX = 24


def draw_job(job: MidjourneyJob, *, is_preview: bool = False) -> bytes:
    """Return the PNG of a job, a grid of four or one picture; a preview is blurred, as an unfinished picture is."""
    size = (job.width, job.height)
    if job.action not in GRIDS:
        picture = paint(_words_of(job), size, variant=job.variant, reference=job.reference)
    else:
        picture = Image.new("RGB", size)
        across, down = job.width // 2, job.height // 2
        for number in range(4):
            tile = paint(_words_of(job), (across, down), variant=job.variant * 4 + number, reference=job.reference)
            picture.paste(tile, (number % 2 * across, number // 2 * down))
    return encode_picture(picture.filter(ImageFilter.GaussianBlur(PREVIEW_BLUR_PX)) if is_preview else picture)


def film_job(job: MidjourneyJob, number: int) -> bytes:
    """Return the MP4 of one of a job's videos."""
    return make_video(f"{_words_of(job)} {number + 1}", width=job.width, height=job.height, seconds=job.seconds)


def _words_of(job: MidjourneyJob) -> str:
    return read_magic("", job.prompt).text.partition(" --")[0] or job.description
