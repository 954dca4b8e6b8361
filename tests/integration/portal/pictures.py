"""The files that the forms of the documentation's examples name."""

import io

from PIL import Image, ImageDraw


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _mask() -> Image.Image:
    mask = Image.new("L", (512, 512), 255)
    ImageDraw.Draw(mask).rectangle((100, 100, 300, 300), fill=0)
    return mask


FORM_FILES = {"kite.png": _png(Image.new("RGBA", (512, 512), (200, 30, 40, 255))), "mask.png": _png(_mask())}
