"""How Kling's credentials become headers."""

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from modelgate.providers.kling import PROVIDER
from modelgate.providers.kling.signing import sign


def test_a_pair_of_keys_makes_a_signed_token() -> None:
    ((name, value),) = sign("access|secret|with|bars-and-32-bytes-or-more", 1_763_884_800.9)

    token = jwt.decode(value.removeprefix("Bearer "), OctKey.import_key("secret|with|bars-and-32-bytes-or-more"))
    assert name == "authorization"
    assert token.header == {"alg": "HS256", "typ": "JWT"}
    assert token.claims == {"iss": "access", "exp": 1_763_886_600, "nbf": 1_763_884_795}


@pytest.mark.parametrize("secret", ["plain-api-key", "sk-another-gateway"])
def test_a_plain_key_is_sent_as_it_is(secret: str) -> None:
    assert sign(secret, 0.0) == (("authorization", f"Bearer {secret}"),)


def test_the_provider_signs_so() -> None:
    assert PROVIDER.sign is sign
