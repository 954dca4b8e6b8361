import msgspec
import pytest

from modelgate.core.providers import MediaOperation, Provider, Quirks, UpstreamCall, VendorState, bearer, joined


def test_the_usual_way_to_sign() -> None:
    assert bearer("secret", 0.0) == (("authorization", "Bearer secret"),)
    assert bearer("", 0.0) == ()


@pytest.mark.parametrize(
    ("base", "path", "whole"),
    [
        ("/v1", "/chat/completions", "/v1/chat/completions"),
        ("/v1", "/v1/messages", "/v1/messages"),
        ("", "/v1/messages", "/v1/messages"),
        ("/proxy/v1beta", "/v1beta/models/g:generateContent", "/proxy/v1beta/models/g:generateContent"),
        ("/v1", "/v1beta/models", "/v1/v1beta/models"),
        ("/kling", "/v1/images", "/kling/v1/images"),
    ],
)
def test_a_base_that_ends_as_the_path_begins_says_it_for_both(base: str, path: str, whole: str) -> None:
    assert joined(base, path) == whole


def test_symptom_a_callers_name_of_a_model_led_to_another_path_of_the_vendor() -> None:
    """With the operator's key: an upstream that serves any model takes the caller's word for it."""
    azure = Quirks(paths={"openai_embeddings": "/deployments/{model}/embeddings"})
    assert azure.path_of("openai_embeddings", "/embeddings", model="../../files?x=") == "/deployments/..%2F..%2Ffiles%3Fx%3D/embeddings"
    assert azure.path_of("openai_speech", "/audio/speech", model="m") == "/audio/speech"


def test_an_operation_is_done_in_its_own_way_or_in_the_one_for_all() -> None:
    def made(max_n: int) -> MediaOperation:
        return MediaOperation(
            encode_submit=lambda *_: UpstreamCall(method="POST", path="/"), parse_submit=lambda *_: VendorState(), max_n=max_n
        )

    one, own = made(1), made(2)
    vendor = Provider(name="a", title="", base_url="", media={"image": own}, sign=lambda secret, now: ())
    gateway = msgspec.structs.replace(vendor, media_any=lambda name: one)

    assert (vendor.operation("image"), vendor.operation("video")) == (own, None)
    assert (gateway.operation("image"), gateway.operation("video")) == (own, one)
