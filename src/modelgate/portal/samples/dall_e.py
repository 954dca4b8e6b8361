"""DALL·E: a picture out of words, saved to disk.

pip install openai
"""

import base64
import os
from pathlib import Path

from openai import OpenAI

client = OpenAI(
    base_url=os.environ["MODELGATE_BASE_URL"] + "/v1",
    api_key=os.environ["MODELGATE_KEY"],
)

answer = client.images.generate(
    model="dall-e-3",
    prompt="a red kite over a calm sea, watercolour",
    size="1024x1024",
    n=1,
    response_format="b64_json",  # the default, "url", is an address for an hour
)

picture = Path("kite.png")
picture.write_bytes(base64.b64decode(answer.data[0].b64_json))
print(f"{picture}: {picture.stat().st_size} bytes")
print("The prompt as it was drawn:", answer.data[0].revised_prompt)
