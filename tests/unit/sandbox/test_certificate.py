import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from modelgate.sandbox.certificate import make_certificates


def test_a_client_that_trusts_the_authority_accepts_the_server(tmp_path: Path) -> None:
    made = make_certificates(("localhost", "127.0.0.1"), now=datetime.now(UTC))
    for name, data in (("chain.pem", made.chain), ("key.pem", made.key)):
        (tmp_path / name).write_bytes(data)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
    client_context = ssl.create_default_context(cadata=made.authority.decode())
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert client.version() == "TLSv1.3"
    assert client.getpeercert()


def test_certificates_end_soon() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for certificate in x509.load_pem_x509_certificates(make_certificates(("localhost",), now=now).chain):
        assert certificate.not_valid_before_utc <= now
        assert certificate.not_valid_after_utc <= now + timedelta(days=31)
