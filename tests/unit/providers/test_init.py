"""Providers are found by scanning the folder."""

from modelgate.providers import load_providers


def test_every_file_is_a_provider_of_its_own_name() -> None:
    providers = load_providers()

    assert {"kling", "openai"} <= set(providers)
    assert all(provider.name == name and provider.documentation for name, provider in providers.items())
