"""Google's own library: an answer, and a stream.

pip install google-genai
"""

import os

from google import genai

client = genai.Client(
    api_key=os.environ["MODELGATE_KEY"],
    http_options={"base_url": os.environ["MODELGATE_BASE_URL"]},  # no /v1beta
)

answer = client.models.generate_content(
    model="gemini-2.5-flash",
    contents="Say: hello from Gemini",
)
print(answer.text)
print("Tokens:", answer.usage_metadata.total_token_count)

# The same library talks to every other vendor's models as well.
for chunk in client.models.generate_content_stream(
    model="gpt-4o-mini",
    contents="Count to 5",
):
    print(chunk.text or "", end="", flush=True)
print()
client.close()
