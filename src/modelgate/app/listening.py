"""The sockets an installation listens on. They are opened once, by the supervisor, and outlive the processes that serve them."""

import errno
import socket

from modelgate.app.data_directory import CannotStart
from modelgate.app.settings import Settings

BACKLOG = 4096


def listen_for_relays(settings: Settings) -> tuple[list[socket.socket], int]:
    """Return one listening socket for each relay, all on one port, and that port.

    A port that was chosen is first bound without SO_REUSEPORT: with it, a second server on the same port would go unnoticed and
    take half of the connections. One that the system is to choose is never another's, and is kept from then on. Raises CannotStart.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        if settings.port:
            _bound(family, address).close()
        sockets = [_bound(family, address, shared=True)]
        port = int(sockets[0].getsockname()[1])
        address = (address[0], port, *address[2:])
        sockets += [_bound(family, address, shared=True) for _ in range(settings.workers - 1)]
        for listening in sockets:
            listening.listen(BACKLOG)
    except OSError as error:
        raise CannotStart(_explain(error, settings)) from None
    return sockets, port


def listen_for_sandbox(path: str) -> socket.socket:
    """Return the listening Unix socket whose first connection starts the sandbox. Raises CannotStart."""
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind(path)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CannotStart(f"cannot listen on {path}: {error.strerror}") from None
    return listening


def _bound(family: int, address: object, *, shared: bool = False) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.bind(address)  # type: ignore[arg-type]  # as getaddrinfo gave it
        if not shared:
            made.listen(1)  # two servers may both bind with SO_REUSEADDR; only one may listen
    except OSError:
        made.close()
        raise
    return made


def _explain(error: OSError, settings: Settings) -> str:
    where = f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        return f"port {settings.port} is in use on {settings.host}: stop what listens there, or choose another with --port"
    if error.errno == errno.EACCES:
        return f"may not listen on {where}: ports below 1024 need a privilege; choose another with --port"
    return f"cannot listen on {where}: {error.strerror}; choose another address with --host"
