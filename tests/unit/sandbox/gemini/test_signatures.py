from base64 import b64decode, urlsafe_b64decode

from modelgate.sandbox.gemini.signatures import is_ours, sign


def test_a_signature_belongs_to_its_call() -> None:
    signature = b64decode(sign("f", {"a": 1}))
    assert is_ours(signature, name="f")
    assert not is_ours(signature, name="g")
    assert not is_ours(signature[:-1], name="f")
    assert not is_ours(b"", name="f")
    assert sign("f", {"a": 1}) == sign("f", {"a": 1}) != sign("f", {"a": 2})


def test_the_vendors_words_skip_the_check() -> None:
    assert is_ours(urlsafe_b64decode("skip_thought_signature_validator"), name="anything")
