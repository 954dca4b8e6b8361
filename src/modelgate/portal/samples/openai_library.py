"""The official openai library, and everything that is built on it.

pip install openai
"""

import os

import openai
from openai import OpenAI

# AutoGPT, LangChain and most other tools read these two. OPENAI_API_BASE is
# the older name of the second; tools that still use it want the same value.
os.environ["OPENAI_API_KEY"] = os.environ["MODELGATE_KEY"]
os.environ["OPENAI_BASE_URL"] = os.environ["MODELGATE_BASE_URL"] + "/v1"

client = OpenAI()

models = [model.id for model in client.models.list()]
print(len(models), "models, among them:", "gpt-4o-mini" in models)

# One client, models of every vendor: only the name changes.
for model in ("gpt-4o-mini", "claude-haiku-4-5", "gemini-2.5-flash"):
    answer = client.chat.completions.create(
        model=model,
        messages=[
            {"role": "system", "content": "Answer briefly."},
            {"role": "user", "content": f"Say: hello from {model}"},
        ],
    )
    print(answer.choices[0].message.content)

# The library's exceptions mean what they mean at OpenAI.
try:
    client.chat.completions.create(
        model="no-such-model",
        messages=[{"role": "user", "content": "Hello"}],
    )
except openai.NotFoundError as error:
    print("Refused:", error.status_code, error.code)
