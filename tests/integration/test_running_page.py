"""The proxy of docs/running.md, as printed, in front of a gateway: streams come in pieces, long and large ones pass, callers are known."""

import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trustme
from tests.integration.gateway.conftest import Installation

pytestmark = pytest.mark.skipif(shutil.which("nginx") is None, reason="needs Debian's nginx")

PAGE = Path(__file__).parents[2] / "docs" / "running.md"
START_S = 60.0


def keep_port() -> socket.socket:
    """Return a socket whose port the system gives to nobody; who asks for that very one, as nginx does, may listen there."""
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    return kept


class Proxy:
    """nginx with the configuration of the page, at ports and with a certificate of the test."""

    def __init__(self, folder: Path, backend: str) -> None:
        self.kept = keep_port()
        self.port = int(self.kept.getsockname()[1])
        authority = trustme.CA()
        certificate = authority.issue_cert("ai.example.com")
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(folder / "chain.pem", append=True)
        self.context = ssl.create_default_context()
        authority.configure_trust(self.context)
        found = re.search(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
        assert found is not None
        printed = found[1]
        for old, new in (
            ("127.0.0.1:8080", backend),
            ("listen 443", f"listen 127.0.0.1:{self.port}"),
            ("/etc/ssl/ai.example.com", str(folder)),
        ):
            assert old in printed
            printed = printed.replace(old, new)
        paths = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration = folder / "nginx.conf"
        head = f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\n"
        configuration.write_text(f"{head}http {{\naccess_log off;\n{paths}{printed}}}\n")
        self.process = subprocess.Popen(["nginx", "-c", str(configuration), "-e", str(folder / "error.log")])
        until = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < until, (folder / "error.log").read_text()
                time.sleep(0.05)

    def connect(self) -> http.client.HTTPSConnection:
        connection = http.client.HTTPSConnection("ai.example.com", self.port, timeout=60, context=self.context)
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.sock = self.context.wrap_socket(raw, server_hostname="ai.example.com")
        return connection


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    running = Installation(tmp_path_factory.mktemp("proxied") / "data", "--trusted-proxies", "127.0.0.1")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def proxy(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    started = Proxy(tmp_path_factory.mktemp("nginx"), installation.base_url.removeprefix("http://"))
    yield started
    started.process.terminate()
    started.process.wait(START_S)
    started.kept.close()


def ask(proxy: Proxy, key: str, body: dict[str, object], **headers: str) -> tuple[http.client.HTTPResponse, http.client.HTTPSConnection]:
    connection = proxy.connect()
    given = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), given)
    return connection.getresponse(), connection


def test_a_stream_comes_in_pieces(proxy: Proxy, installation: Installation) -> None:
    """The sandbox takes three seconds for it; gathered by the proxy, it would all come at the end."""
    asked = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "Count to 40\nmagic: slow"}]}
    answer, connection = ask(proxy, installation.test_key, asked)
    with closing(connection):
        assert answer.status == 200
        came_at = [time.monotonic() for line in answer if line.startswith(b"data: ")]
    assert came_at[-1] - came_at[0] > 1.0


def test_a_large_body_passes(proxy: Proxy, installation: Installation) -> None:
    asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say: yes"}], "metadata": {"filler": "x" * 20_000_000}}
    answer, connection = ask(proxy, installation.test_key, asked)
    with closing(connection):
        assert answer.status in (200, 400)
        assert "x-request-id" in answer.headers  # the gateway's own answer, not the proxy's


def test_a_key_of_an_address_is_refused_to_others_whatever_they_claim(proxy: Proxy, installation: Installation) -> None:
    asked: dict[str, object] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say: yes"}]}
    for addresses, status in (("127.0.0.1", 200), ("198.51.100.7", 403)):
        key = installation.key("--test", "--ips", addresses)
        answer, connection = ask(proxy, key, asked, **{"X-Forwarded-For": "198.51.100.7"})
        with closing(connection):
            assert answer.status == status


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/metrics", 404), ("/readyz", 404)])
def test_what_is_for_inside_is_not_shown(proxy: Proxy, path: str, status: int) -> None:
    with closing(proxy.connect()) as connection:
        connection.request("GET", path)
        assert connection.getresponse().status == status
