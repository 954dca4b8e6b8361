"""The sandbox process: all make-believe vendors behind one listening socket."""

import signal
import socket
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path

import uvloop

from modelgate.app.settings import Settings
from modelgate.core.clock import as_utc, system_clock
from modelgate.core.sandbox import SHOWN_PREFIX
from modelgate.sandbox.certificate import make_certificates
from modelgate.sandbox.server import make_app, make_server
from modelgate.sandbox.tokens import Tokenizer

BACKLOG = 1024


def main(settings: Settings, fd: int) -> None:
    """Serve on a socket that listens already, Unix or TCP, until SIGTERM; the jobs of Kling and Flux are kept in the data directory."""
    serve(socket.socket(fileno=fd), folder=settings.sandbox_path, shown_url=f"{settings.base_url}{SHOWN_PREFIX}/")


def serve(
    listening: socket.socket,
    *,
    tls: ssl.SSLContext | None = None,
    on_ready: Callable[[], None] | None = None,
    folder: Path | None = None,
    shown_url: str = "",
) -> None:
    """Serve on a listening socket until SIGTERM or SIGINT; `on_ready` is called once requests are answered.

    Jobs are kept in `folder`, or without one die with the process. `shown_url`: see `make_app`.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stopped)
    listening.setblocking(False)
    server = make_server(make_app(tokenizer=Tokenizer(), folder=folder, shown_url=shown_url), tls=tls, on_ready=on_ready)
    with listening:
        uvloop.run(server.serve(sockets=[listening]))


def _stopped(_number: int, _frame: object) -> None:
    """The server catches signals while it runs and raises them again when it is done: by then there is nothing left to end."""


def listen(host: str, port: int) -> socket.socket:
    """Return a TCP socket that listens on an address; port 0 picks a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def make_tls(hosts: tuple[str, ...], *, folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return a context with a throwaway certificate for `hosts`, and the file of the authority to trust, written to `folder`."""
    made = make_certificates(hosts, now=as_utc(system_clock()))
    authority = folder / "ca.pem"
    authority.write_bytes(made.authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as private:
        chain, key = Path(private) / "chain.pem", Path(private) / "key.pem"
        chain.write_bytes(made.chain)
        key.touch(mode=0o600)
        key.write_bytes(made.key)
        context.load_cert_chain(chain, key)
    return context, authority
