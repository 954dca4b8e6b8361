"""Draws the make-believe pictures: the prompt, readable, on a pleasant ground made from its hash."""

import hashlib
import io
import math
import unicodedata
from itertools import groupby
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from modelgate.sandbox.vision import NotAPicture, open_picture

LONG_SIDE_PX = 1024
LARGE_FACTOR = 2
GROUND_PX = 96
CIRCLES = 7
MARGIN = 0.08
LARGEST_FONT = 0.085
SMALLEST_FONT_PX = 13
MAX_SHOWN = 600
"""Longer prompts end in an ellipsis."""

INSET = 0.28
UNKNOWN_GLYPH = "\U0010fffe"
FALLBACK_FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "/Library/Fonts/Arial Unicode.ttf",
)
"""Where a machine may keep fonts for scripts that the built-in one lacks; whichever exist are used."""

_PLAIN = {"–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "×": "x"}


def size_of(ratio: str, *, large: bool = False) -> tuple[int, int]:
    """Return width and height in pixels of exactly an aspect ratio such as `16:9`; both are multiples of 8, up to the long side."""
    across, down = (int(part) for part in ratio.split(":"))
    long_side = LONG_SIDE_PX * (LARGE_FACTOR if large else 1)
    unit = long_side // max(across, down) // 8 * 8
    return across * unit, down * unit


def draw_picture(prompt: str, *, ratio: str, variant: int = 0, large: bool = False, reference: bytes | None = None) -> bytes:
    """Return a PNG of the asked ratio that shows the prompt; `variant` changes its colours, `reference` appears as an inset."""
    return encode_picture(paint(prompt, size_of(ratio, large=large), variant=variant, reference=reference))


def paint(prompt: str, size: tuple[int, int], *, variant: int = 0, reference: bytes | None = None) -> Image.Image:
    """Return a picture of a size in pixels that shows the prompt; `variant` and `reference` as above."""
    width, height = size
    seed = hashlib.sha256(f"{prompt}\0{variant}".encode("utf-8", "replace")).digest()
    picture = _ground(seed, width=width, height=height)
    _draw_circles(picture, seed)
    if reference is not None:
        _paste_reference(picture, reference)
    _draw_prompt(picture, prompt)
    return picture


def encode_picture(picture: Image.Image, kind: str = "png", *, quality: int = 100) -> bytes:
    """Return a picture as png, jpeg or webp; `quality` 0..100 is for the latter two."""
    buffer = io.BytesIO()
    if kind == "png":
        picture.save(buffer, "PNG", compress_level=3)
    else:
        (picture.convert("RGB") if kind == "jpeg" else picture).save(buffer, kind.upper(), quality=quality)
    return buffer.getvalue()


def _hue(degrees: float, *, saturation: float, light: float) -> tuple[int, int, int]:
    """Return a colour; all three parts of it in 0..1 but the hue."""
    chroma = saturation * min(light, 1 - light)
    parts = [light - chroma * max(-1.0, min(k - 3, 9 - k, 1)) for k in ((offset + degrees / 30) % 12 for offset in (0, 8, 4))]
    return round(parts[0] * 255), round(parts[1] * 255), round(parts[2] * 255)


def _ground(seed: bytes, *, width: int, height: int) -> Image.Image:
    """A soft gradient through three neighbouring hues, drawn small and stretched."""
    base = seed[0] / 256 * 360
    corners = [_hue(base + offset, saturation=0.6, light=light) for offset, light in ((0, 0.34), (40, 0.5), (75, 0.64))]
    angle = seed[1] / 256 * math.pi / 2
    small = Image.new("RGB", (GROUND_PX, GROUND_PX))
    for y in range(GROUND_PX):
        for x in range(GROUND_PX):
            at = (x * math.cos(angle) + y * math.sin(angle)) / (GROUND_PX * (math.cos(angle) + math.sin(angle)))
            first, second, share = (corners[0], corners[1], at * 2) if at < 0.5 else (corners[1], corners[2], at * 2 - 1)
            small.putpixel((x, y), tuple(round(one + (other - one) * share) for one, other in zip(first, second, strict=True)))
    return small.resize((width, height), Image.Resampling.BICUBIC)


def _draw_circles(picture: Image.Image, seed: bytes) -> None:
    layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    brush = ImageDraw.Draw(layer)
    width, height = picture.size
    for number in range(CIRCLES):
        x, y, size = (seed[2 + number * 3 + part] / 256 for part in range(3))
        radius = (0.06 + size * 0.22) * max(width, height)
        light = 0.72 if number % 2 else 0.28
        colour = _hue(seed[0] / 256 * 360 + number * 25, saturation=0.7, light=light)
        centre = (x * width, y * height)
        brush.ellipse((centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius), fill=(*colour, 60))
    picture.paste(layer, mask=layer)


def _paste_reference(picture: Image.Image, reference: bytes) -> None:
    try:
        inset = open_picture(reference).convert("RGB")
    except (NotAPicture, OSError):
        return
    side = round(min(picture.size) * INSET)
    inset.thumbnail((side, side))
    edge = round(min(picture.size) * 0.03)
    frame = Image.new("RGB", (inset.width + 8, inset.height + 8), "white")
    frame.paste(inset, (4, 4))
    picture.paste(frame, (picture.width - frame.width - edge, edge))


def _draw_prompt(picture: Image.Image, prompt: str) -> None:
    """Write the prompt on a dark band in the middle, in the largest letters that fit."""
    text = _shown(prompt)
    room = round(picture.width * (1 - 2 * MARGIN)), round(picture.height * (1 - 2 * MARGIN))
    size = round(math.sqrt(picture.width * picture.height) * LARGEST_FONT)
    while True:
        writer = _Writer(size)
        lines = writer.wrapped(text, room[0])
        if len(lines) * writer.line_px <= room[1] or size <= SMALLEST_FONT_PX:
            break
        size = max(SMALLEST_FONT_PX, round(size * 0.88))
    lines = lines[: max(1, room[1] // writer.line_px)]
    tall = len(lines) * writer.line_px
    top = (picture.height - tall) // 2
    pad = writer.line_px // 2
    band = Image.new("RGBA", (picture.width, tall + 2 * pad), (10, 12, 24, 120))
    picture.paste(band, (0, top - pad), mask=band)
    brush = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        x = (picture.width - writer.width(line)) // 2
        writer.write(brush, (x, top + number * writer.line_px), line)


def _shown(prompt: str) -> str:
    printable = "".join(" " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character for character in prompt)
    shown = " ".join(printable.split())
    return shown if len(shown) <= MAX_SHOWN else shown[: MAX_SHOWN - 1] + "…"


_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_Glyph = tuple[str, _Font | None, int]  # the text to draw, the font that has it, its width


class _Writer:
    """Measures and writes text in one size. A character that no font has loses its accent, or becomes a box with its code in it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._fonts = [ImageFont.load_default(size), *(ImageFont.truetype(path, size) for path in FALLBACK_FONTS if Path(path).is_file())]
        self._small = ImageFont.load_default(max(7, round(size * 0.36)))
        self._unknown = [bytes(font.getmask(UNKNOWN_GLYPH)) for font in self._fonts]
        self._ascent = round(size * 0.95)
        self._glyphs: dict[str, _Glyph] = {}
        self.line_px = round(size * 1.3)

    def _glyph(self, character: str) -> _Glyph:
        found = self._glyphs.get(character)
        if found is None:
            found = self._glyphs[character] = self._found(character)
        return found

    def _found(self, character: str) -> _Glyph:
        plain = _PLAIN.get(character) or unicodedata.normalize("NFKD", character)[0]
        for text in (character, plain):
            for font, unknown in zip(self._fonts, self._unknown, strict=True):
                if text.isspace() or bytes(font.getmask(text)) != unknown:
                    return text, font, round(font.getlength(text))
        return character, None, self._size

    def width(self, text: str) -> int:
        """Return the width of a text in pixels."""
        return sum(self._glyph(character)[2] for character in text if not _is_joiner(character))

    def wrapped(self, text: str, room_px: int) -> list[str]:
        """Break a text into lines at blanks, or anywhere in words that are wider than a line."""
        lines, line = [], ""
        for word in text.split(" "):
            for part in self._broken(word, room_px):
                joined = f"{line} {part}" if line else part
                if line and self.width(joined) > room_px:
                    lines.append(line)
                    joined = part
                line = joined
        return [*lines, line]

    def _broken(self, word: str, room_px: int) -> list[str]:
        parts, part, used = [], "", 0
        for character in word:
            wide = self.width(character)
            if part and used + wide > room_px:
                parts.append(part)
                part, used = "", 0
            part, used = part + character, used + wide
        return [*parts, part]

    def write(self, brush: ImageDraw.ImageDraw, at: tuple[int, int], text: str) -> None:
        """Draw one line of text from its top left corner."""
        x, y = at
        glyphs = [self._glyph(character) for character in text if not _is_joiner(character)]
        for font, run in groupby(glyphs, key=lambda glyph: glyph[1]):  # a run is drawn as one, so that scripts which join do
            shown = list(run)
            text = "".join(each for each, _, _ in shown)
            if font is not None:
                brush.text((x, y + self._ascent), text, font=font, fill="white", anchor="ls")
                x += round(font.getlength(text))
                continue
            for character in text:
                self._write_box(brush, (x, y + self._ascent - round(self._size * 0.9)), character)
                x += self._size

    def _write_box(self, brush: ImageDraw.ImageDraw, at: tuple[int, int], character: str) -> None:
        x, y = at
        code = f"{ord(character):04X}"
        half = -(-len(code) // 2)
        brush.rounded_rectangle((x + 1, y + 2, x + self._size - 2, y + self._size), radius=self._size // 8, outline="white")
        for row, digits in enumerate((code[:half], code[half:])):
            left = x + (self._size - self._small.getlength(digits)) / 2
            brush.text((left, y + 2 + row * self._size * 0.44), digits, font=self._small, fill="white")


def _is_joiner(character: str) -> bool:
    return unicodedata.category(character) in ("Cf", "Mn", "Me")
