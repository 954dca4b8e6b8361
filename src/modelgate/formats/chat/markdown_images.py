"""Pictures inside of text, as Markdown with a data URL: how chat completions give and take pictures that a model made.

Clients send the text of an earlier answer back as it is; read as text, the picture would be paid for as a million letters.
"""

import re

from modelgate.formats.chat.media_type import read_base64
from modelgate.formats.chat.request import Image, Text

MARK = "](data:image/"
"""A text without it holds no picture."""
_IMAGE = re.compile(r"\n?!\[[^\]\n]{0,200}\]\(data:(image/[\w.+-]{1,64})(?:;[\w=.-]{1,64})*;base64,([A-Za-z0-9+/=_-]+)\)\n?")


def split_markdown_images(text: str, *, param: str = "messages") -> tuple[Text | Image, ...]:
    """Return a text's pieces in order; one line end on either side of a picture belongs to it.

    Raises:
        InvalidRequest: a picture is not valid base64; `param` names the field.
    """
    if MARK not in text:
        return (Text(text=text),)
    pieces: list[Text | Image] = []
    start = 0
    for found in _IMAGE.finditer(text):
        if found.start() > start:
            pieces.append(Text(text=text[start : found.start()]))
        media_type, data = read_base64(found[2], declared=found[1], param=param)
        pieces.append(Image(media_type=media_type, data=data))
        start = found.end()
    if start < len(text) or not pieces:
        pieces.append(Text(text=text[start:]))
    return tuple(pieces)


def image_url_of(image: Image) -> str:
    """Return a picture's address, a data URL where it has none."""
    return image.url or f"data:{image.media_type or 'image/png'};base64,{image.data}"


def render_markdown_image(image: Image) -> str:
    """Return a picture as Markdown. Whoever puts it behind text puts a line end between."""
    return f"![image]({image_url_of(image)})"
