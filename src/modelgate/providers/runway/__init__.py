"""Runway: videos, pictures and performances by its native API, with its version header on every call.

    calls      neutral request -> call
    answers    answer -> what it means
    limits     what each model can do, and its defaults

Source: docs.dev.runwayml.com (API reference, inputs, task failures), read 2026-11. A safety failure is charged by Runway and can cost the
account; our caller is not charged. Deleting a finished task deletes its output, so only a caller's own wish to cancel makes that call.
"""

from typing import Any

from modelgate.core.providers import MediaOperation, Provider, Twin, bearer
from modelgate.providers.runway import calls, limits
from modelgate.providers.runway.answers import parse_cancel, parse_poll, parse_submit


def _operation(*takes: str, **more: Any) -> MediaOperation:
    """Return an operation with what all of this vendor's have in common."""
    return MediaOperation(
        parse_submit=parse_submit,
        encode_poll=calls.encode_poll,
        parse_poll=parse_poll,
        encode_cancel=calls.encode_cancel,
        parse_cancel=parse_cancel,
        poll_interval_s=5.0,
        takes=frozenset((*takes, "seed", "runway_public_figure_threshold")),
        **more,
    )


PROVIDER = Provider(
    name="runway",
    title="Runway",
    base_url="https://api.dev.runwayml.com",
    media={
        "video": _operation(
            *("seconds", "resolution", "sound", "negative_prompt", "image", "first_frame", "last_frame"),
            encode_submit=calls.encode_video_submit,
            check=limits.check_video,
            complete=limits.complete_video,
        ),
        "video.edit": _operation(
            *("seconds", "video"),
            encode_submit=calls.encode_edit_submit,
            check=limits.check_edit,
            complete=limits.complete_by_clip(limits.MIN_EDITED_S),
        ),
        "video.performance": _operation(
            *("seconds", "video", "character", "character_video", "runway_body_control", "runway_expression_intensity"),
            encode_submit=calls.encode_performance_submit,
            check=limits.check_performance,
            complete=limits.complete_by_clip(limits.MIN_ACTED_S),
        ),
        "image": _operation(
            *("size", "image", "reference", "runway_tags"), encode_submit=calls.encode_image_submit, check=limits.check_image
        ),
    },
    sign=bearer,
    environment={"RUNWAYML_API_SECRET": "secret"},
    probe_headers=(calls.VERSION_HEADER,),
    probe_path="/v1/organization",
    twin=Twin(key="key_sandbox"),
    documentation="https://docs.dev.runwayml.com/api, read 2026-11",
)
