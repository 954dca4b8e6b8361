"""A picture of your own, shown to gpt-4o.

pip install openai

    python picture_from_disk.py [picture.jpg]
"""

import base64
import mimetypes
import os
import struct
import sys
import zlib
from pathlib import Path

from openai import OpenAI

client = OpenAI(
    base_url=os.environ["MODELGATE_BASE_URL"] + "/v1",
    api_key=os.environ["MODELGATE_KEY"],
)


def red_square() -> bytes:
    """Make a PNG of 64 by 64 red pixels, for want of a better picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    head = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\xdc\x1e\x1e" * 64) * 64
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def data_url(picture: Path) -> str:
    media_type = mimetypes.guess_type(picture.name)[0] or "image/jpeg"
    encoded = base64.b64encode(picture.read_bytes()).decode()
    return f"data:{media_type};base64,{encoded}"


if len(sys.argv) > 1:
    picture = Path(sys.argv[1])
else:
    picture = Path("square.png")
    picture.write_bytes(red_square())

answer = client.chat.completions.create(
    model="gpt-4o",
    max_tokens=300,
    messages=[
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is in this picture?"},
                {"type": "image_url", "image_url": {"url": data_url(picture)}},
            ],
        }
    ],
)
print(answer.choices[0].message.content)
print("Tokens in, picture included:", answer.usage.prompt_tokens)
