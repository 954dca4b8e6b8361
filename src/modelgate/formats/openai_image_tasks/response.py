"""The answer with its pictures."""

import base64
from collections.abc import Sequence

import msgspec

from modelgate.formats.openai_image_tasks.schema import ImagesAnswer, Picture

_encode = msgspec.json.Encoder().encode


def encode_answer(pictures: Sequence[str | bytes], *, created: int) -> bytes:
    """Return the body of an answer: each picture as its address, or as its bytes."""
    data = [Picture(url=one) if isinstance(one, str) else Picture(b64_json=base64.b64encode(one).decode()) for one in pictures]
    return _encode(ImagesAnswer(created=created, data=data))
