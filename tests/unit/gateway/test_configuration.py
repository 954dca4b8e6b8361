"""What a request costs by the upstream that would serve it, as vendors resell each other's models."""

import pytest

from modelgate.core.errors import NoUpstream, UnknownModel, UnsupportedOperation
from modelgate.core.records import ApiKey, Credential, PriceRow, Snapshot, Upstream
from modelgate.core.usage import Usage
from modelgate.gateway.configuration import Configuration
from modelgate.metering.price_list import read_shipped_prices
from modelgate.providers import load_providers

PROVIDERS, SHIPPED = load_providers(), read_shipped_prices()
KEY = ApiKey(id="key_1", account="acct_1", book="live", name="k", digest="d", hint="")
USAGE = Usage(input_tokens=1_000, cached_tokens=400, output_tokens=100)
"""600 tokens at the full rate, 400 cached ones and 100 in the answer."""


def upstream(
    provider: str,
    *,
    priority: int = 0,
    models: dict[str, str] | None = None,
    paused: bool = False,
    no_key: bool = False,
    free: bool = False,
) -> Upstream:
    base_url = PROVIDERS[provider].base_url or "https://my-resource.openai.azure.com"
    credentials = (Credential(id=f"cred_{provider}", secret="sk-vendor", disabled=no_key),)
    return Upstream(
        id=f"up_{provider}",
        name=provider,
        provider=provider,
        base_url=base_url,
        book="live",
        credentials=credentials,
        models=models or {},
        priority=priority,
        disabled=paused,
        free=free,
    )


def configuration(*upstreams: Upstream, prices: tuple[PriceRow, ...] = ()) -> Configuration:
    snapshot = Snapshot(version=1, upstreams=upstreams, prices=prices)
    return Configuration(snapshot, providers=PROVIDERS, shipped=SHIPPED, now=0.0)


@pytest.mark.parametrize(
    ("provider", "model", "amount_nanos"),
    [
        ("openrouter", "anthropic/claude-sonnet-5", 600 * 2_000 + 400 * 200 + 100 * 10_000),
        ("openrouter", "meta-llama/llama-3.3-70b-instruct", 1_000 * 100 + 100 * 320),
        ("together", "zai-org/GLM-5.3", 600 * 1_400 + 400 * 260 + 100 * 4_400),
        ("together", "openai/gpt-oss-20b", 1_000 * 50 + 100 * 200),
        ("fireworks", "accounts/fireworks/models/kimi-k2p6", 600 * 950 + 400 * 160 + 100 * 4_000),
        ("siliconflow", "moonshotai/Kimi-K3", 600 * 2_700 + 400 * 270 + 100 * 13_500),
        ("siliconflow", "deepseek-ai/DeepSeek-V3.2", 1_000 * 270 + 100 * 420),
        ("groq", "openai/gpt-oss-20b", 600 * 75 + 400 * 37.5 + 100 * 300),
    ],
)
def test_a_reseller_without_a_list_of_models_serves_what_is_priced_at_its_own_price(provider: str, model: str, amount_nanos: int) -> None:
    offer, price = configuration(upstream(provider)).offer_to(KEY, operation="chat", model=model)

    assert offer.only is not None
    assert (offer.only.upstream.provider, offer.only.upstream_model) == (provider, model)
    assert price.charge(USAGE) == amount_nanos


@pytest.mark.parametrize(
    ("provider", "model", "amount_nanos"),
    [
        ("together", "intfloat/multilingual-e5-large-instruct", 20_000),
        ("fireworks", "accounts/fireworks/models/qwen3-embedding-8b", 100_000),
        ("fireworks", "fireworks/qwen3-embedding-8b", 100_000),
    ],
)
def test_a_reseller_prices_embeddings(provider: str, model: str, amount_nanos: int) -> None:
    _, price = configuration(upstream(provider)).offer_to(KEY, operation="embeddings", model=model)

    assert price.charge(Usage(input_tokens=1_000)) == amount_nanos


def test_a_deployment_at_azure_costs_what_its_model_costs_at_its_maker() -> None:
    azure = upstream("azure", models={"gpt-4.1-mini": "my-deployment", "text-embedding-3-small": "my-vectors"})
    offer, price = configuration(azure).offer_to(KEY, operation="chat", model="gpt-4.1-mini")

    assert offer.only is not None
    assert offer.only.upstream_model == "my-deployment"
    assert price.charge(USAGE) == 600 * 400 + 400 * 100 + 100 * 1_600
    _, price = configuration(azure).offer_to(KEY, operation="embeddings", model="text-embedding-3-small")
    assert price.charge(Usage(input_tokens=1_000)) == 20_000


def test_a_model_that_two_upstreams_have_costs_what_the_preferred_one_asks() -> None:
    model, usage = "openai/gpt-oss-20b", Usage(input_tokens=1_000)

    def amount(*upstreams: Upstream, prices: tuple[PriceRow, ...] = ()) -> int:
        return configuration(*upstreams, prices=prices).offer_to(KEY, operation="chat", model=model)[1].charge(usage)

    assert amount(upstream("groq"), upstream("together", priority=1)) == 50_000
    assert amount(upstream("groq", priority=1), upstream("together")) == 75_000
    assert amount(upstream("groq"), upstream("together"), prices=(PriceRow(model=model, rates={"input": "1"}),)) == 1_000_000


def test_a_model_that_is_here_for_other_work_is_not_said_to_be_missing() -> None:
    """Who asked for pictures by a model of conversations was told that there is no such model, or nobody to serve it."""
    with pytest.raises(UnsupportedOperation, match=r"'openai/gpt-oss-20b' has no operation 'image'\. What it is for: chat\.") as refused:
        configuration(upstream("groq")).offer_to(KEY, operation="image", model="openai/gpt-oss-20b")
    assert (refused.value.status, refused.value.param) == (400, "model")
    with pytest.raises(UnknownModel, match="'sandbox-chat' is the sandbox's own: only test keys"):
        configuration(upstream("groq")).offer_to(KEY, operation="chat", model="sandbox-chat")
    with pytest.raises(UnknownModel, match="There is no model 'nobody' here"):
        configuration(upstream("groq")).offer_to(KEY, operation="image", model="nobody")


@pytest.mark.parametrize("others", [(), (upstream("anthropic"),), (upstream("openai", paused=True),), (upstream("openai"),)])
@pytest.mark.parametrize("operation", ["openai_images", "image", "embeddings", "video.extend"])
def test_symptom_what_a_model_is_not_for_was_said_to_be_out_of_order(others: tuple[Upstream, ...], operation: str) -> None:
    """Pictures by a model of conversations were answered with 503, to be tried again, as long as nobody served the model at all."""
    word = operation.removeprefix("openai_")
    with pytest.raises(UnsupportedOperation, match=rf"'gpt-4o-mini' has no operation '{word}'\. What it is for: chat\."):
        configuration(*others).offer_to(KEY, operation=operation, model="gpt-4o-mini")


def test_what_a_model_is_for_but_nobody_serves_is_out_of_order() -> None:
    for operation, model in (("chat", "gpt-4o-mini"), ("video", "kling-v1"), ("image", "kling-v1"), ("openai_images", "dall-e-3")):
        with pytest.raises(NoUpstream, match=f"No upstream is configured for '{model}'"):
            configuration(upstream("groq")).offer_to(KEY, operation=operation, model=model)


OWN = PriceRow(model="mine", rates={"input": "1"})


@pytest.mark.parametrize(
    ("upstreams", "prices"),
    [
        ((upstream("ollama", models={"mine": "mine"}, paused=True, free=True),), ()),
        ((upstream("openai", models={"mine": "m"}, paused=True),), (OWN,)),
        ((upstream("openai", models={"mine": "m"}, no_key=True), upstream("groq")), (OWN,)),
        ((upstream("ollama", paused=True, free=True),), (OWN,)),
    ],
    ids=["free", "priced", "without a key in use", "of a server that takes any name"],
)
def test_symptom_a_model_was_not_known_while_its_upstreams_were_paused(
    upstreams: tuple[Upstream, ...], prices: tuple[PriceRow, ...]
) -> None:
    """One of the operator's own was answered with 404, or as if no upstream had ever been added."""
    found = configuration(*upstreams, prices=prices)
    with pytest.raises(NoUpstream, match="Every upstream of 'mine' is paused"):
        found.offer_to(KEY, operation="chat", model="mine")
    with pytest.raises(UnknownModel, match="There is no model 'yours' here"):
        found.offer_to(KEY, operation="chat", model="yours")


def test_one_upstream_that_is_not_paused_serves() -> None:
    found = configuration(upstream("openai", models={"mine": "m"}, paused=True), upstream("groq", models={"mine": "n"}), prices=(OWN,))
    offer, _ = found.offer_to(KEY, operation="chat", model="mine")
    assert [route.upstream.provider for route in offer.routes] == ["groq"]


def test_what_a_task_may_ask_for_is_known_while_upstreams_are_paused() -> None:
    """A film without a word for its operation was taken for a picture."""
    served, paused, none = (configuration(*those) for those in ((upstream("luma"),), (upstream("luma", paused=True),), ()))
    video = served.operations_of("live", "ray-2")
    assert "video" in video
    assert paused.operations_of("live", "ray-2") == none.operations_of("live", "ray-2") == video
    assert none.operations_of("live", "nobody") == ()
