"""What the make-believe Kling made: the pictures and videos of a job, drawn when somebody fetches them."""

from modelgate.sandbox.kling.order import KlingOrder
from modelgate.sandbox.magic import read_magic
from modelgate.sandbox.pictures import draw_picture
from modelgate.sandbox.videos import make_video

WATERMARK = "Kling AI (make-believe)"


def has_file(order: KlingOrder, *, index: int, kind: str) -> bool:
    """Say whether a job makes such a file: `png` for each picture, `mp4` 0 for a video and 1 for the one with a watermark."""
    if order.is_video:
        return kind == "mp4" and index <= int(order.watermark)
    return kind == "png" and index < order.n


def make_file(order: KlingOrder, *, index: int) -> bytes:
    """Return the PNG or MP4. Blocks: call it in a thread."""
    words = read_magic("", order.prompt).text or order.prompt
    if not order.is_video:
        return draw_picture(words, ratio=order.ratio, variant=index, large=order.resolution == "2k", reference=order.reference)
    if index:
        words = f"{WATERMARK} {words}"
    return make_video(
        words, width=order.width, height=order.height, seconds=order.seconds, with_sound=order.sound, reference=order.reference
    )
