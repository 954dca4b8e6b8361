import json
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import OctKey

from modelgate.sandbox.kling.fields import KlingRefused
from modelgate.sandbox.kling.token import API_KEY as KLING_API_KEY
from modelgate.sandbox.kling.token import KEY as KLING_SECRET
from modelgate.sandbox.kling.token import check_token

NOW = 1_000_000
ACCESS, _, SECRET = KLING_SECRET.partition("|")


def _token(*, secret: str = SECRET, **claims: Any) -> str:
    given = {"iss": ACCESS, "exp": NOW + 1800, "nbf": NOW - 5, **claims}
    kept = {name: value for name, value in given.items() if value is not None}
    return "Bearer " + jwt.encode({"alg": "HS256", "typ": "JWT"}, kept, OctKey.import_key(secret))


def _without_typ() -> str:
    claims = json.dumps({"iss": ACCESS, "exp": NOW + 1800, "nbf": NOW - 5})
    return "Bearer " + jws.serialize_compact({"alg": "HS256"}, claims, OctKey.import_key(SECRET))


def test_a_good_token_passes_and_so_does_the_plain_key() -> None:
    check_token(_token(), now=NOW)
    check_token(f"Bearer {KLING_API_KEY}", now=NOW)


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, 1001),
        ("", 1001),
        ("Bearer nonsense", 1002),
        (f"Bearer {KLING_API_KEY}x", 1002),
        (f"Token {KLING_API_KEY}", 1002),
        ("Bearer a.b.c", 1002),
        ("Bearer ä.b.c", 1002),
        (_token().replace("Bearer ", "Token "), 1002),
        (_token(secret="another secret of sufficient length"), 1002),
        (_token(iss="somebody else"), 1002),
        (_without_typ(), 1000),
        (_token(exp=None), 1000),
        (_token(nbf=None), 1000),
        (_token(exp=str(NOW + 5)), 1000),
        (_token(nbf=NOW + 60), 1003),
        (_token(exp=NOW - 1), 1004),
    ],
)
def test_bad_tokens_are_refused(authorization: str | None, code: int) -> None:
    with pytest.raises(KlingRefused) as caught:
        check_token(authorization, now=NOW)
    assert (caught.value.code, caught.value.status) == (code, 401)
