"""`/v1/images/…`: new pictures, edits of pictures, and variations of one. Drawn, not dreamt."""

from base64 import b64encode

import msgspec
from PIL import Image, ImageDraw, ImageFilter

from modelgate.core.clock import Clock
from modelgate.core.records import Json
from modelgate.sandbox.magic import Magic, read_magic
from modelgate.sandbox.openai.errors import refuse_if_asked
from modelgate.sandbox.openai.forms import read_form, read_form_or_json
from modelgate.sandbox.openai.gate import Asked, Operation
from modelgate.sandbox.openai.picture_checks import DEFAULT_MODEL, Family, check_generation, family_of
from modelgate.sandbox.openai.picture_files import PictureFiles
from modelgate.sandbox.openai.picture_uploads import EDIT_MODEL, Shown, read_edit, read_variation
from modelgate.sandbox.openai.sending import ERROR_EVENT, EVENT_STREAM, Thought, event
from modelgate.sandbox.pictures import encode_picture, paint, size_of
from modelgate.sandbox.tokens import Tokenizer, count_image
from modelgate.sandbox.vision import open_picture

DEFAULT_SIZE = "1024x1024"
DEFAULT_QUALITY = "medium"
PARTIAL_TOKENS = 100
"""What the vendor counts for each partial picture."""

_TOKENS_OF_SQUARE = {"low": 272, "medium": 1_056, "high": 4_160}
_TOKENS_OF_OTHER = {"low": 408, "medium": 1_584, "high": 6_240}


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be drawn. `size` and `quality` are as reported; `shown` are pictures to start from."""

    name: str
    model: str
    family: Family
    prompt: str
    magic: Magic
    body: dict[str, Json]
    size: str
    quality: str
    shown: tuple[Shown, ...] = ()
    mask: Shown | None = None

    @property
    def n(self) -> int:
        """How many pictures."""
        return self.body.get("n") or 1

    @property
    def kind(self) -> str:
        """The file format: png, jpeg or webp."""
        return self.body.get("output_format") or "png"

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        width, _, height = self.size.partition("x")
        return int(width), int(height)


class Pictures:
    """Draws what is ordered."""

    def __init__(self, *, tokenizer: Tokenizer, clock: Clock, files: PictureFiles) -> None:
        self._tokenizer = tokenizer
        self._clock = clock
        self._files = files

    def operations(self) -> tuple[Operation, ...]:
        """Return what can be asked here."""
        return (
            Operation("POST", "/images/generations", think=self._generate, apart=True),
            Operation("POST", "/images/edits", think=self._edit, read=read_form_or_json, apart=True),
            Operation("POST", "/images/variations", think=self._vary, read=read_form, apart=True),
        )

    def _generate(self, asked: Asked) -> Thought:
        check_generation(asked.body)
        return self._drawn(_order(asked.body, name="image_generation", default=DEFAULT_MODEL), base_url=asked.base_url)

    def _edit(self, asked: Asked) -> Thought:
        body, shown, mask = read_edit(asked.body)
        order = _order(body, name="image_edit", default=EDIT_MODEL, shown=shown, mask=mask)
        return self._drawn(order, base_url=asked.base_url)

    def _vary(self, asked: Asked) -> Thought:
        body, shown = read_variation(asked.body)
        order = _order({**body, "prompt": "Variation"}, name="image_variation", default=DEFAULT_MODEL, shown=(shown,))
        return self._drawn(order, base_url=asked.base_url)

    def _drawn(self, order: Order, *, base_url: str) -> Thought:
        refuse_if_asked(order.magic, param="prompt")
        usage = self._usage(order)
        stream = bool(order.body.get("stream"))
        parts = self._events(order, usage=usage) if stream else [self._whole(order, usage=usage, base_url=base_url)]
        counted = usage if order.family.counts else {"input_tokens": 0, "output_tokens": order.n}
        return Thought(
            magic=order.magic,
            parts=parts,
            stream=stream,
            prompt_tokens=counted["input_tokens"],
            completion_tokens=counted["output_tokens"],
            content_type=EVENT_STREAM if stream else "application/json",
            failure=b"event: error\n" + ERROR_EVENT,
        )

    def _whole(self, order: Order, *, usage: dict[str, Json], base_url: str) -> bytes:
        answer: dict[str, Json] = {
            "created": int(self._clock()),
            "data": [self._datum(order, _draw(order, variant=index), base_url=base_url) for index in range(order.n)],
        }
        if order.family.counts:
            answer |= _described(order)
            if (reported := order.magic.usage(usage)) is not None:
                answer["usage"] = reported
        return msgspec.json.encode(answer)

    def _datum(self, order: Order, picture: Image.Image, *, base_url: str) -> dict[str, Json]:
        data = _encoded(order, picture)
        datum: dict[str, Json] = {"revised_prompt": _revised(order)} if order.family.revises else {}
        if order.family.counts or order.body.get("response_format") == "b64_json":
            return {**datum, "b64_json": b64encode(data).decode()}
        return {**datum, "url": self._files.keep(data, base_url=base_url)}

    def _events(self, order: Order, *, usage: dict[str, Json]) -> list[bytes]:
        """Return the events: the picture coming out of a blur, then itself."""
        picture = _draw(order, variant=0)
        shared = {"created_at": int(self._clock()), **_described(order)}
        partials = order.body.get("partial_images") or 0
        steps = [picture.filter(ImageFilter.GaussianBlur(max(picture.size) / 16 / 2**index)) for index in range(partials)]
        events = []
        for index, step in enumerate(steps):
            name = f"{order.name}.partial_image"
            fields = {"type": name, "b64_json": b64encode(_encoded(order, step)).decode(), **shared, "partial_image_index": index}
            events.append(event(fields, name=name))
        name = f"{order.name}.completed"
        reported = order.magic.usage(usage)
        done = {"type": name, "b64_json": b64encode(_encoded(order, picture)).decode(), **shared}
        return [*events, event({**done, **({"usage": reported} if reported is not None else {})}, name=name)]

    def _usage(self, order: Order) -> dict[str, Json]:
        pinned = order.magic.pinned
        text = pinned.prompt if pinned else self._tokenizer.count(order.prompt)
        seen = 0 if pinned else sum(count_image(*shown.size, detail="high") for shown in order.shown)
        made = pinned.completion if pinned else order.n * _picture_tokens(order) + PARTIAL_TOKENS * (order.body.get("partial_images") or 0)
        return {
            "total_tokens": text + seen + made,
            "input_tokens": text + seen,
            "output_tokens": made,
            "input_tokens_details": {"text_tokens": text, "image_tokens": seen},
            "output_tokens_details": {"image_tokens": made, "text_tokens": 0},
        }


def _order(body: dict[str, Json], *, name: str, default: str, shown: tuple[Shown, ...] = (), mask: Shown | None = None) -> Order:
    model = body.get("model") or default
    magic = read_magic(model, body["prompt"])
    quality = body.get("quality") or "auto"
    return Order(
        name=name,
        model=model,
        family=family_of(model),
        prompt=magic.text,
        magic=magic,
        body=body,
        size=_size(body),
        quality=DEFAULT_QUALITY if quality == "auto" else quality,
        shown=shown,
        mask=mask,
    )


def _size(body: dict[str, Json]) -> str:
    if body.get("size") not in (None, "auto"):
        return str(body["size"])
    if body.get("aspect_ratio") is not None:
        return "x".join(str(side) for side in size_of(body["aspect_ratio"]))
    return DEFAULT_SIZE


def _described(order: Order) -> dict[str, Json]:
    background = order.body.get("background") or "auto"
    return {
        "size": order.size,
        "quality": order.quality,
        "background": "opaque" if background == "auto" else background,
        "output_format": order.kind,
    }


def _picture_tokens(order: Order) -> int:
    width, height = order.size_px
    table = _TOKENS_OF_SQUARE if width == height else _TOKENS_OF_OTHER
    tokens = table.get(order.quality, table[DEFAULT_QUALITY])
    return tokens if order.size in ("1024x1024", "1536x1024", "1024x1536") else max(1, tokens * width * height // (1024 * 1024))


def _revised(order: Order) -> str:
    return f"{order.prompt.rstrip('.')}, drawn by the sandbox in a {order.body.get('style') or 'vivid'} style."


def _draw(order: Order, *, variant: int) -> Image.Image:
    """Draw one picture: a masked edit keeps what the mask covers, others show the picture they start from in a corner."""
    first = next((shown.data for shown in order.shown if shown.data is not None), None)
    if first is not None and order.mask is not None and order.mask.data is not None:
        drawn = paint(order.prompt, order.size_px, variant=variant)
        covered = open_picture(order.mask.data).convert("RGBA").getchannel("A").resize(order.size_px)
        drawn.paste(open_picture(first).convert("RGB").resize(order.size_px), mask=covered)
    else:
        drawn = paint(order.prompt, order.size_px, variant=variant, reference=first)
    if order.body.get("background") == "transparent":
        drawn.putalpha(_cut_out(order.size_px))
    return drawn


def _cut_out(size: tuple[int, int]) -> Image.Image:
    """Return an opacity that leaves the corners out."""
    opacity = Image.new("L", size, 0)
    ImageDraw.Draw(opacity).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius=min(size) // 6, fill=255)
    return opacity


def _encoded(order: Order, picture: Image.Image) -> bytes:
    quality = order.body.get("output_compression")
    return encode_picture(picture, order.kind, quality=100 if quality is None else quality)
