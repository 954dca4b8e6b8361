"""Luma's Dream Machine: videos, extensions, larger and sounding versions of them, and pictures.

    calls      neutral request -> call
    answers    answer -> what it means
    limits     what the models can do, and their defaults

Source: docs.lumalabs.ai (Dream Machine API v1), read 2026-11. Pictures go as addresses only, which the vendor fetches: the gateway's public
URL must be one that it can reach. A prompt that is moderated is a 400 at once or a failed generation later.
"""

from typing import Any

from modelgate.core.providers import MediaOperation, Provider, Twin, bearer
from modelgate.providers.luma import calls, limits
from modelgate.providers.luma.answers import parse_cancel, parse_poll, parse_submit


def _operation(**more: Any) -> MediaOperation:
    """Return an operation with what all of this vendor's have in common."""
    return MediaOperation(
        parse_submit=parse_submit,
        encode_poll=calls.encode_poll,
        parse_poll=parse_poll,
        encode_cancel=calls.encode_cancel,
        parse_cancel=parse_cancel,
        inputs_by_url=True,
        has_callbacks=True,
        poll_interval_s=3.0,
        **more,
    )


_VIDEO = frozenset(("seconds", "resolution", "first_frame", "last_frame", "luma_loop", "luma_concepts"))

PROVIDER = Provider(
    name="luma",
    title="Luma Dream Machine",
    base_url="https://api.lumalabs.ai/dream-machine/v1",
    media={
        "video": _operation(
            encode_submit=calls.encode_video_submit, check=limits.check_video, complete=limits.complete_video, takes=_VIDEO
        ),
        "video.extend": _operation(
            encode_submit=calls.encode_video_submit,
            check=limits.check_extension,
            complete=limits.complete_video,
            takes=_VIDEO | {"parent", "luma_backwards"},
        ),
        "video.upscale": _operation(
            encode_submit=calls.encode_upscale_submit,
            check=limits.check_video,
            complete=limits.complete_video,
            takes=frozenset(("parent", "resolution", "seconds")),
        ),
        "video.audio": _operation(
            encode_submit=calls.encode_audio_submit,
            complete=limits.complete_audio,
            takes=frozenset(("parent", "negative_prompt", "seconds")),
        ),
        "image": _operation(
            encode_submit=calls.encode_image_submit,
            check=limits.check_image,
            takes=frozenset(
                (
                    *("output_format", "image", "reference", "style", "character"),
                    *("luma_image_weights", "luma_reference_weights", "luma_style_weights"),
                )
            ),
        ),
    },
    sign=bearer,
    environment={"LUMAAI_API_KEY": "secret"},
    probe_path="/credits",
    twin=Twin(key="luma-sandbox"),
    documentation="https://docs.lumalabs.ai/docs/api, read 2026-11",
)
