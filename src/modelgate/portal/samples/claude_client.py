"""Anthropic's own library: an answer, and a stream.

pip install anthropic
"""

import os

from anthropic import Anthropic

client = Anthropic(
    base_url=os.environ["MODELGATE_BASE_URL"],  # it adds /v1/messages itself
    api_key=os.environ["MODELGATE_KEY"],
)

message = client.messages.create(
    model="claude-haiku-4-5",
    max_tokens=300,
    system="Answer briefly.",
    messages=[{"role": "user", "content": "Say: hello from Claude"}],
)
print(message.content[0].text)
print("Tokens:", message.usage.input_tokens, "in,", message.usage.output_tokens, "out")

# The same library talks to every other vendor's models as well.
with client.messages.stream(
    model="gpt-4o-mini",
    max_tokens=300,
    messages=[{"role": "user", "content": "Count to 5"}],
) as stream:
    for text in stream.text_stream:
        print(text, end="", flush=True)
print()
