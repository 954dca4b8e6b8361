"""A picture on the web, shown to gpt-4o and to models of other vendors.

pip install openai

    python picture_from_address.py [https://…/picture.jpg]
"""

import os
import sys

from openai import OpenAI

client = OpenAI(
    base_url=os.environ["MODELGATE_BASE_URL"] + "/v1",
    api_key=os.environ["MODELGATE_KEY"],
)

DICE = "https://upload.wikimedia.org/wikipedia/commons/4/47/PNG_transparency_demonstration_1.png"
address = sys.argv[1] if len(sys.argv) > 1 else DICE

for model in ("gpt-4o", "claude-haiku-4-5"):
    answer = client.chat.completions.create(
        model=model,
        max_tokens=300,
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is in this picture?"},
                    {
                        "type": "image_url",
                        "image_url": {"url": address, "detail": "low"},
                    },
                ],
            }
        ],
    )
    print(f"{model}: {answer.choices[0].message.content}")
