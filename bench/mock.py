"""nginx as an upstream that answers at once, nginx as the reference proxy, and the upstream of streams."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from bench.processes import free_port, start, stop, tree, wait_for_port
from bench.scenarios import SCENARIOS, STREAM, Scenario

STREAM_INTERVAL_MS = 5.0
LITERAL_BYTES = 3000
"""nginx takes 4 KB in one word of its configuration."""

_FRAME = """worker_processes 1; daemon off; pid {home}/pid; error_log {home}/error.log error;
events {{ worker_connections 8192; }}
http {{
  access_log off; default_type application/json; keepalive_requests 100000000; keepalive_timeout 600s;
  client_max_body_size 8m; client_body_buffer_size 2m;
  client_body_temp_path {home}/a; proxy_temp_path {home}/b; fastcgi_temp_path {home}/c; uwsgi_temp_path {home}/d; scgi_temp_path {home}/e;
{servers}
}}
"""
_PROXY = """  upstream u{port} {{ server 127.0.0.1:{target}; keepalive 512; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{port} backlog=2048;
    location / {{ proxy_pass {scheme}://u{port}; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
"""


class Mock:
    """The upstreams and the reference proxy, running on their cores."""

    def __init__(self, home: Path, *, device: int, others: list[int]) -> None:
        self.home = home
        self._device = device
        self._others = others
        self._processes: list[subprocess.Popen[bytes]] = []
        self.status_port = free_port()
        self.upstream_ports = {scenario.model: free_port() for scenario in SCENARIOS}
        self.proxy_ports = {scenario.model: free_port() for scenario in SCENARIOS}
        self.ca_file = home / "cert.pem"

    def __enter__(self) -> "Mock":
        self._make_certificate()
        self._start_nginx("upstream", "".join(self._upstream(one) for one in SCENARIOS if not one.stream) + self._status(), self._others)
        wait_for_port(self.status_port, self._processes[-1], self.home / "upstream.log")
        self._proxy = self._start_nginx("proxy", "".join(self._reference(one) for one in SCENARIOS), [self._device])
        wait_for_port(self.proxy_ports[STREAM.model], self._proxy, self.home / "proxy.log")
        port = self.upstream_ports[STREAM.model]
        command = [sys.executable, "-m", "bench.streams", str(port), str(STREAM_INTERVAL_MS)]
        self._processes.append(start(command, on=self._others, log=self.home / "streams.log"))
        wait_for_port(port, self._processes[-1], self.home / "streams.log")
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            stop(process)

    def proxy_pids(self) -> list[int]:
        """The reference proxy's processes."""
        return tree(self._proxy.pid)

    def requests(self, scenario: Scenario) -> int:
        """Requests that the upstream of a scenario has got so far."""
        if scenario.stream:
            return self.stream_counts()["requests"]
        with urllib.request.urlopen(f"http://127.0.0.1:{self.status_port}/") as answer:
            text = answer.read().decode()
        self._asked = getattr(self, "_asked", 0) + 1
        return int(text.split("\n")[2].split()[2]) - self._asked  # the status requests are counted too

    def stream_counts(self) -> dict[str, int]:
        """Requests and chunks of the upstream of streams."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.upstream_ports[STREAM.model]}/") as answer:
            counts: dict[str, int] = json.load(answer)
        return counts

    def _start_nginx(self, name: str, servers: str, on: list[int]) -> subprocess.Popen[bytes]:
        home = self.home / name
        home.mkdir()
        (home / "nginx.conf").write_text(_FRAME.format(home=home, servers=servers))
        command = ["nginx", "-p", str(home), "-e", str(home / "error.log"), "-c", str(home / "nginx.conf")]
        process = start(command, on=on, log=self.home / f"{name}.log")
        self._processes.append(process)
        return process

    def _upstream(self, scenario: Scenario) -> str:
        text = scenario.answer().decode()
        parts = [text[at : at + LITERAL_BYTES] for at in range(0, len(text), LITERAL_BYTES)]
        names = [f"$part{index}" for index in range(len(parts))]
        sets = " ".join(f"set {name} '{part}';" for name, part in zip(names, parts, strict=True))
        secure = f" ssl; ssl_certificate {self.ca_file}; ssl_certificate_key {self.home}/key.pem" if scenario.tls else ""
        port = self.upstream_ports[scenario.model]
        answer = "".join(f"${{{name[1:]}}}" for name in names)
        return f'  server {{ listen 127.0.0.1:{port}{secure}; location / {{ {sets} return 200 "{answer}"; }} }}\n'

    def _status(self) -> str:
        return f"  server {{ listen 127.0.0.1:{self.status_port}; location / {{ stub_status; }} }}\n"

    def _reference(self, scenario: Scenario) -> str:
        return _PROXY.format(
            port=self.proxy_ports[scenario.model],
            target=self.upstream_ports[scenario.model],
            scheme="https" if scenario.tls else "http",
        )

    def _make_certificate(self) -> None:
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(self.home / "key.pem")]
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        command = ["openssl", "req", "-x509", "-days", "2", *key, *names, "-out", str(self.ca_file)]
        subprocess.run(command, check=True, capture_output=True)
