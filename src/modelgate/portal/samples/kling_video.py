"""Kling by its own paths: a video from words, with a growing pause between looks."""

import json
import os
import time
import urllib.request
from pathlib import Path

VIDEOS = os.environ["MODELGATE_BASE_URL"] + "/kling/v1/videos/text2video"
KEY = os.environ["MODELGATE_KEY"]
PATIENCE_S = 1800
LONGEST_PAUSE_S = 15


def call(url: str, body: dict | None = None) -> dict:
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {KEY}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)["data"]


task_id = call(
    VIDEOS,
    {
        "model_name": "kling-v1",
        "prompt": "a paper boat drifts across a lake",
        "mode": "std",
        "duration": "5",
        "aspect_ratio": "16:9",
    },
)["task_id"]
print("Started", task_id)

ends, pause_s = time.monotonic() + PATIENCE_S, 1.0
while (task := call(f"{VIDEOS}/{task_id}"))["task_status"] not in ("succeed", "failed"):
    if time.monotonic() > ends:
        raise SystemExit("It takes too long; the task goes on, fetch it later.")
    time.sleep(pause_s)
    pause_s = min(LONGEST_PAUSE_S, pause_s * 1.5)

if task["task_status"] == "failed":
    raise SystemExit(f"It failed and costs nothing: {task['task_status_msg']}")
video = task["task_result"]["videos"][0]
file = Path("boat.mp4")
with urllib.request.urlopen(video["url"], timeout=60) as response:
    file.write_bytes(response.read())
print(f"{file}: {video['duration']} seconds, {file.stat().st_size} bytes")
