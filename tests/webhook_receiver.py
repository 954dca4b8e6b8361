"""A server on this machine that webhooks go to."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HEARD_S = 120.0


class Receiver:
    """Takes every webhook with 204 and keeps its headers and body."""

    def __init__(self) -> None:
        heard: list[tuple[dict[str, str], Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                heard.append(({name.lower(): value for name, value in self.headers.items()}, json.loads(body)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                del format, args

        self.heard = heard
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def of(self, *texts: str, count: int = 1) -> list[tuple[dict[str, str], Any]]:
        """Return the webhooks in whose JSON these texts stand, as soon as they are so many."""
        until = time.monotonic() + HEARD_S
        while len(found := [one for one in list(self.heard) if all(text in json.dumps(one[1]) for text in texts)]) < count:
            assert time.monotonic() < until, f"{len(found)} of {count} webhooks came"
            time.sleep(0.05)
        return found

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
