"""Streaming: print an answer while it is written.

pip install openai
"""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ["MODELGATE_BASE_URL"] + "/v1",
    api_key=os.environ["MODELGATE_KEY"],
)
question = [{"role": "user", "content": "Count to 9"}]

stream = client.chat.completions.create(
    model="gpt-4o-mini", messages=question, stream=True
)
for chunk in stream:
    print(chunk.choices[0].delta.content or "", end="", flush=True)
print()

# Asked for, the usage comes in a last chunk, which has no choices.
stream = client.chat.completions.create(
    model="gpt-4o-mini",
    messages=question,
    stream=True,
    stream_options={"include_usage": True},
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
    if chunk.usage:
        print("\nTokens out:", chunk.usage.completion_tokens)
