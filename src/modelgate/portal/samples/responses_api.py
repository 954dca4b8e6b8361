"""OpenAI's Responses API: an answer, its next turn, and a stream.

pip install openai
"""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ["MODELGATE_BASE_URL"] + "/v1",
    api_key=os.environ["MODELGATE_KEY"],
)

turns = [{"role": "user", "content": "Say: hello there"}]
first = client.responses.create(model="claude-haiku-4-5", input=turns, store=False)
print(first.output_text)

# Send back what was said, instead of `previous_response_id`: only models at
# OpenAI itself can keep answers.
turns += [item.to_dict() for item in first.output]
turns.append({"role": "user", "content": "Say: and good night"})
second = client.responses.create(model="claude-haiku-4-5", input=turns, store=False)
print(second.output_text)

for event in client.responses.create(
    model="gpt-4o-mini", input="Count to 5", stream=True
):
    if event.type == "response.output_text.delta":
        print(event.delta, end="", flush=True)
print()
