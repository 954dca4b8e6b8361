"""Opening the port."""

import socket
from pathlib import Path

import pytest

from modelgate.app.data_directory import CannotStart
from modelgate.app.listening import listen_for_relays, listen_for_sandbox
from modelgate.app.settings import Settings


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "::1"])
def test_every_relay_has_a_socket_on_the_same_port(host: str) -> None:
    if host == "::1" and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    sockets, port = listen_for_relays(Settings(host=host, port=0, workers=3))
    assert port > 0
    assert [listening.getsockname()[1] for listening in sockets] == [port] * 3
    assert all(listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) for listening in sockets)
    assert not any(listening.get_inheritable() for listening in sockets)
    for listening in sockets:
        listening.close()


def test_a_port_with_reuseport_sockets_is_still_in_use() -> None:
    """A second server would share the port with us and take half of the connections."""
    sockets, port = listen_for_relays(Settings(port=0))
    with pytest.raises(CannotStart, match=f"port {port} is in use on 127.0.0.1: stop what listens there, or choose another with --port"):
        listen_for_relays(Settings(port=port))
    sockets[0].close()
    sockets, _ = listen_for_relays(Settings(port=port))
    sockets[0].close()


def test_a_port_that_the_system_chose_is_not_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was found free, let go of and asked for again: whoever came between had it, and the start failed."""
    rivals: list[socket.socket] = []
    close = socket.socket.close

    def close_and_lose(closed: socket.socket) -> None:
        address = closed.getsockname()
        close(closed)
        rivals.append(socket.create_server(address))

    with monkeypatch.context() as patched:
        patched.setattr(socket.socket, "close", close_and_lose)
        sockets, _ = listen_for_relays(Settings(port=0, workers=2))
    for one in (*sockets, *rivals):
        one.close()


def test_an_address_of_another_machine() -> None:
    with pytest.raises(CannotStart, match="choose another address with --host"):
        listen_for_relays(Settings(host="192.0.2.1", port=0))


def test_the_sandboxs_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    listening = listen_for_sandbox(path)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
    listening.close()
    with pytest.raises(CannotStart, match="cannot listen on"):
        listen_for_sandbox(path)
