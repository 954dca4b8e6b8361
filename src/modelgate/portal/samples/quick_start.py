"""One question through the gateway, and what it used.

pip install openai
"""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ["MODELGATE_BASE_URL"] + "/v1",
    api_key=os.environ["MODELGATE_KEY"],
)

answer = client.chat.completions.create(
    model="gpt-4o-mini",
    messages=[{"role": "user", "content": "Say: the gateway works"}],
)

print(answer.choices[0].message.content)
print("Tokens charged:", answer.usage.total_tokens)
