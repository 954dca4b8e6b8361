"""Receive webhooks: check who sent them, drop repeats, answer at once.

Needs, besides the usual two variables,
  MODELGATE_WEBHOOK_SECRET  what `modelgate accounts webhook-secret` prints
  CALLBACK_URL              the address under which the gateway reaches this script
"""

import base64
import hashlib
import hmac
import json
import os
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

CALLBACK_URL = os.environ["CALLBACK_URL"]
SECRET = base64.b64decode(os.environ["MODELGATE_WEBHOOK_SECRET"].removeprefix("whsec_"))
TOLERANCE_S = 300
MAX_BODY_BYTES = 1_000_000
ENDS = ("succeeded", "failed", "canceled", "expired")

ended = threading.Event()
seen: set[str] = set()  # a real receiver keeps these where a restart finds them


def is_authentic(message_id: str, sent_at: str, given: str, body: bytes) -> bool:
    if not sent_at.isdigit() or abs(time.time() - int(sent_at)) > TOLERANCE_S:
        return False
    signed = f"{message_id}.{sent_at}.".encode() + body
    digest = hmac.new(SECRET, signed, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    return any(hmac.compare_digest(expected, each) for each in given.split(" "))


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = min(int(self.headers.get("content-length", 0)), MAX_BODY_BYTES)
        body = self.rfile.read(length)
        message_id = self.headers.get("webhook-id", "")
        authentic = is_authentic(
            message_id,
            self.headers.get("webhook-timestamp", ""),
            self.headers.get("webhook-signature", ""),
            body,
        )
        self.send_response(204 if authentic else 401)
        self.end_headers()
        if not authentic or message_id in seen:
            return
        seen.add(message_id)
        task = json.loads(body)
        print(task["id"], "is", task["state"], flush=True)
        if task["state"] in ENDS:
            ended.set()

    def log_message(self, *_: object) -> None:
        """Keep the output to what was received."""


server = ThreadingHTTPServer(("", urlsplit(CALLBACK_URL).port or 80), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()

request = urllib.request.Request(
    os.environ["MODELGATE_BASE_URL"] + "/v1/tasks",
    data=json.dumps(
        {
            "model": "kling-v1",
            "operation": "image",
            "input": {"prompt": "a lighthouse at dawn"},
            "callback_url": CALLBACK_URL,
        }
    ).encode(),
    headers={
        "Authorization": "Bearer " + os.environ["MODELGATE_KEY"],
        "Content-Type": "application/json",
    },
)
with urllib.request.urlopen(request, timeout=60) as response:
    print("Started", json.load(response)["id"])

if not ended.wait(timeout=900):
    raise SystemExit("No word of its end; fetch the task instead.")
server.shutdown()
server.server_close()
