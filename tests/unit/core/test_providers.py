from modelgate.core.providers import bearer


def test_the_usual_way_to_sign() -> None:
    assert bearer("secret", 0.0) == (("authorization", "Bearer secret"),)
    assert bearer("", 0.0) == ()
