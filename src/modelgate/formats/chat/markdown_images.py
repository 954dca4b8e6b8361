"""Pictures inside of text, as Markdown with a data URL: how chat completions give and take pictures that a model made.

Clients send the text of an earlier answer back as it is; read as text, the picture would be paid for as a million letters.
"""

import re

from modelgate.formats.chat.media_type import read_base64
from modelgate.formats.chat.request import Image, Text

MARK = "](data:image/"
"""A text without it holds no picture."""
MAX_TITLE_CHARACTERS = 200
_OPENING = "!["
_ADDRESS = re.compile(r"\]\(data:(image/[\w.+-]{1,64})(?:;[\w=.-]{1,64}){0,8};base64,([A-Za-z0-9+/=_-]+)\)\n?")


def split_markdown_images(text: str, *, param: str = "messages") -> tuple[Text | Image, ...]:
    """Return a text's pieces in order; one line end on either side of a picture belongs to it.

    Raises:
        InvalidRequest: a picture is not valid base64; `param` names the field.
    """
    if MARK not in text:
        return (Text(text=text),)
    pieces: list[Text | Image] = []
    start = position = 0
    while (at := text.find(MARK, position)) >= 0:
        # Looked for from the address backwards: a pattern for all of it tries two hundred letters at every "![" there is.
        position = at + len(MARK)
        address = _ADDRESS.match(text, at)
        if address is None:
            continue
        opening = text.rfind(_OPENING, max(start, at - MAX_TITLE_CHARACTERS - len(_OPENING)), at)
        if opening < 0 or any(end in text[opening:at] for end in "]\n"):
            continue
        before = text[start : opening - (opening > start and text[opening - 1] == "\n")]
        if before:
            pieces.append(Text(text=before))
        media_type, data = read_base64(address[2], declared=address[1], param=param)
        pieces.append(Image(media_type=media_type, data=data))
        start = position = address.end()
    if start < len(text) or not pieces:
        pieces.append(Text(text=text[start:]))
    return tuple(pieces)


def image_url_of(image: Image) -> str:
    """Return a picture's address, a data URL where it has none."""
    return image.url or f"data:{image.media_type or 'image/png'};base64,{image.data}"


def render_markdown_image(image: Image) -> str:
    """Return a picture as Markdown. Whoever puts it behind text puts a line end between."""
    return f"![image]({image_url_of(image)})"
