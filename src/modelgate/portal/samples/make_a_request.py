"""A request without any library: JSON over HTTP, and how failures are told."""

import json
import os
import urllib.error
import urllib.request


def ask(model: str, question: str) -> dict:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": question}],
        "temperature": 0.7,
    }
    request = urllib.request.Request(
        os.environ["MODELGATE_BASE_URL"] + "/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": "Bearer " + os.environ["MODELGATE_KEY"],
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=600) as response:
        return json.load(response)


answer = ask("gpt-4o-mini", "Reply with one word")
choice = answer["choices"][0]
print("Answer:", choice["message"]["content"])
print("It ended because of:", choice["finish_reason"])
print("Tokens in:", answer["usage"]["prompt_tokens"])
print("Tokens out:", answer["usage"]["completion_tokens"])

try:
    ask("no-such-model", "Reply with one word")
except urllib.error.HTTPError as refused:
    error = json.load(refused)["error"]
    print("Refused:", refused.code, error["code"])
    print("For a report:", refused.headers["x-request-id"])
