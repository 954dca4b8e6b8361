"""Suno: two songs from one sentence, followed until they can be played."""

import json
import os
import time
import urllib.request
from pathlib import Path

SUNO = os.environ["MODELGATE_BASE_URL"] + "/suno"
KEY = os.environ["MODELGATE_KEY"]
PATIENCE_S = 900


def call(path: str, body: dict | None = None) -> dict:
    request = urllib.request.Request(
        SUNO + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {KEY}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


# Inspiration: Suno writes the words. For words of your own give `prompt`,
# `title` and `tags`; to go on from a song, `continue_clip_id` as well.
task_id = call(
    "/submit/music",
    {"gpt_description_prompt": "a calm song about the sea", "mv": "chirp-v4"},
)["data"]
print("Started", task_id)

ends = time.monotonic() + PATIENCE_S
while True:
    task = call(f"/fetch/{task_id}")["data"]
    if task["status"] in ("SUCCESS", "FAILURE"):
        break
    if time.monotonic() > ends:
        raise SystemExit("It takes too long; the task goes on, fetch it later.")
    time.sleep(2)

if task["status"] == "FAILURE":
    raise SystemExit(f"It failed and costs nothing: {task['fail_reason']}")
for number, song in enumerate(task["data"], start=1):
    if not song["audio_url"]:
        continue  # one of the two can fail alone
    file = Path(f"song-{number}.mp3")
    with urllib.request.urlopen(song["audio_url"], timeout=60) as response:
        file.write_bytes(response.read())
    print(f"{file}: {song['title']}, {song['metadata']['duration']:.0f} seconds")
print(task["data"][0]["prompt"].splitlines()[0])
