"""The certificate that HTTPS is served with."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from modelgate.app.data_directory import CannotStart
from modelgate.app.https import server_tls
from modelgate.app.settings import Settings
from modelgate.sandbox.certificate import Certificates, make_certificates


@pytest.fixture(scope="module")
def made() -> Certificates:
    return make_certificates(("localhost",), now=datetime.now(UTC))


def settings(tmp_path: Path, chain: bytes, key: bytes) -> Settings:
    (tmp_path / "chain.pem").write_bytes(chain)
    (tmp_path / "key.pem").write_bytes(key)
    return Settings(tls_cert=str(tmp_path / "chain.pem"), tls_key=str(tmp_path / "key.pem"))


def test_plain_http_needs_none() -> None:
    assert server_tls(Settings()) is None


def test_a_certificate_with_its_key(tmp_path: Path, made: Certificates) -> None:
    assert server_tls(settings(tmp_path, made.chain, made.key)) is not None


def test_a_missing_file() -> None:
    """Symptom: `relay 0: [Errno 2] No such file or directory`, after the first key was made and printed."""
    with pytest.raises(CannotStart, match=r"--tls-cert /nowhere/a\.pem and --tls-key /nowhere/b\.pem: No such file or directory"):
        server_tls(Settings(tls_cert="/nowhere/a.pem", tls_key="/nowhere/b.pem"))


def test_files_that_do_not_fit(tmp_path: Path, made: Certificates) -> None:
    other = make_certificates(("localhost",), now=datetime.now(UTC))
    neither = "is no PEM file with a certificate chain, or"
    for chain, key, reason in (
        (made.chain, other.key, "the key is not that of the certificate"),
        (b"?", made.key, neither),
        (made.chain, b"", neither),
    ):
        with pytest.raises(CannotStart, match=f"cannot serve HTTPS .*: .*{reason}"):
            server_tls(settings(tmp_path, chain, key))


def test_an_encrypted_key_is_not_asked_for_at_the_terminal(tmp_path: Path, made: Certificates) -> None:
    encrypted = serialization.load_pem_private_key(made.key, None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"word")
    )
    with pytest.raises(CannotStart, match="the key is encrypted"):
        server_tls(settings(tmp_path, made.chain, encrypted))
