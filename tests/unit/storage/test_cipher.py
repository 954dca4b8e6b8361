"""Vendor secrets at rest."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from modelgate.storage.cipher import Cipher, SecretUnusable, WrongSecret, derive_key, load_secret

SECRET = bytes(range(32))


def test_what_was_encrypted_comes_back_and_does_not_show() -> None:
    data = Cipher(SECRET).encrypt("sk-vendor-ключ", row_id="cred_1")
    assert b"vendor" not in data
    assert Cipher(SECRET).decrypt(data, row_id="cred_1") == "sk-vendor-ключ"


def test_two_encryptions_of_one_text_differ() -> None:
    cipher = Cipher(SECRET)
    assert cipher.encrypt("a", row_id="cred_1") != cipher.encrypt("a", row_id="cred_1")


def test_another_secret_is_told_apart_and_the_text_says_what_to_do() -> None:
    data = Cipher(SECRET).encrypt("a", row_id="cred_1")
    with pytest.raises(WrongSecret, match="MODELGATE_SECRET"):
        Cipher(bytes(32)).decrypt(data, row_id="cred_1")


def test_a_row_cannot_be_swapped_for_another() -> None:
    data = Cipher(SECRET).encrypt("a", row_id="cred_1")
    with pytest.raises(WrongSecret):
        Cipher(SECRET).decrypt(data, row_id="cred_2")


@pytest.mark.parametrize("position", [0, 1, 12, 13, -1])
def test_an_altered_ciphertext_is_refused(position: int) -> None:
    data = bytearray(Cipher(SECRET).encrypt("a secret", row_id="cred_1"))
    data[position] ^= 1
    with pytest.raises(WrongSecret):
        Cipher(SECRET).decrypt(bytes(data), row_id="cred_1")


def test_an_empty_column_is_refused() -> None:
    with pytest.raises(WrongSecret):
        Cipher(SECRET).decrypt(b"", row_id="cred_1")


def test_keys_are_derived_as_the_standard_says() -> None:
    for secret in (SECRET, b"a secret of twenty-eight byte", b"x" * 100):
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"modelgate file links").derive(secret)
        assert derive_key(secret, purpose="file links") == derived


def test_each_purpose_has_a_key_of_its_own() -> None:
    assert derive_key(SECRET, purpose="file links") != derive_key(SECRET, purpose="vendor secrets")
    assert len(derive_key(SECRET, purpose="file links")) == 32


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    first = load_secret(tmp_path / "new")
    assert len(first) == 32
    assert load_secret(tmp_path / "new") == first
    assert stat.S_IMODE((tmp_path / "new" / "secret").stat().st_mode) == 0o600
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["secret"]


def test_the_environment_wins_over_the_file_and_makes_none(tmp_path: Path) -> None:
    assert load_secret(tmp_path, "ab" * 32) == b"\xab" * 32
    assert load_secret(tmp_path, "a passphrase of many words") == b"a passphrase of many words"
    assert list(tmp_path.iterdir()) == []


def test_the_content_of_the_file_may_move_to_the_environment(tmp_path: Path) -> None:
    assert load_secret(tmp_path, (load_secret(tmp_path).hex())) == load_secret(tmp_path)


@pytest.mark.parametrize("content", ["", "abcd", "not hex at all, but long enough to be a secret of thirty-two bytes"])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "secret").write_text(content)
    with pytest.raises(SecretUnusable, match="secret"):
        load_secret(tmp_path)


def test_a_weak_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SecretUnusable, match="at least 16"):
        load_secret(tmp_path, "short")
