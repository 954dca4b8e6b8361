import pytest

from modelgate.sandbox.anthropic.thinking import is_redacted, is_signed, redact_thought, sign_thought


def test_signatures_are_the_same_every_time() -> None:
    assert sign_thought("Hm.", thought="Hm.") == sign_thought("Hm.", thought="Hm.")
    assert is_signed("Hm.", sign_thought("Hm.", thought="Hm."))


def test_an_omitted_thought_is_signed_too() -> None:
    signature = sign_thought("", thought="Hm.")
    assert is_signed("", signature)
    assert not is_signed("Hm.", signature)
    assert signature != sign_thought("", thought="Ah.")


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64!", "é", sign_thought("Ah.", thought="Ah."), redact_thought("Hm.")])
def test_other_signatures_are_no_good(signature: str) -> None:
    assert not is_signed("Hm.", signature)


def test_every_altered_character_shows() -> None:
    signature = sign_thought("Hm.", thought="Hm.")
    for index in range(len(signature) - 2):  # the last character before the padding has bits that say nothing
        other = "A" if signature[index] != "A" else "B"
        assert not is_signed("Hm.", signature[:index] + other + signature[index + 1 :])


def test_redacted_thoughts() -> None:
    data = redact_thought("Hm.")
    assert is_redacted(data)
    assert not is_redacted(data[:-4])
    assert not is_redacted(sign_thought("Hm.", thought="Hm."))
