"""A picture as a task: what it will cost, its progress live, its file.

The same script makes videos and songs: change the model and the input.
"""

import json
import os
import urllib.request
import uuid
from pathlib import Path

TASKS = os.environ["MODELGATE_BASE_URL"] + "/v1/tasks"
KEY = os.environ["MODELGATE_KEY"]


def call(url: str, body: dict | None = None, **headers: str) -> dict:
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {KEY}",
            "Content-Type": "application/json",
            **headers,
        },
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


wanted = {
    "model": "kling-v1",
    "operation": "image",
    "input": {"prompt": "a paper boat on a lake", "aspect_ratio": "16:9"},
}
print("It will cost", call(f"{TASKS}/quote", wanted)["amount_usd"], "USD")

# With an Idempotency-Key a request that is repeated starts no second task.
task = call(TASKS, wanted, **{"Idempotency-Key": str(uuid.uuid4())})
print("Started", task["id"])

# Server-sent events: one for each change, until the task has ended. When the
# connection breaks, open it again; GET /v1/tasks/{id} shows the same object.
events = urllib.request.Request(
    f"{TASKS}/{task['id']}/events", headers={"Authorization": f"Bearer {KEY}"}
)
with urllib.request.urlopen(events, timeout=600) as stream:
    for line in stream:
        if line.startswith(b"data: "):
            task = json.loads(line.removeprefix(b"data: "))
            print(f"{task['state']}, {task['progress']} %")

if task["state"] != "succeeded":
    raise SystemExit(f"It ended as {task['state']}: {task['error']}")
for number, output in enumerate(task["outputs"]):
    file = Path(f"result-{number}.{output['content_type'].partition('/')[2]}")
    with urllib.request.urlopen(output["url"], timeout=60) as response:
        file.write_bytes(response.read())
    print(f"{file}: {file.stat().st_size} bytes")
