from modelgate.sandbox.openai_models import is_known


def test_which_models_are_served() -> None:
    assert all(is_known(model) for model in ("gpt-4o", "vendor/any:name", "sandbox-slow", "sandbox-chat"))
    assert not any(is_known(model) for model in ("", "sandbox-nothing", "two words", "x" * 201))
