"""What Pika's endpoints at fal take, as structs and tables, and what a job of fal's queue is."""

import uuid
from typing import Annotated, Literal

import msgspec
from starlette.responses import Response

from modelgate.core.records import Json
from modelgate.sandbox.body_shape import one_of
from modelgate.sandbox.front import VendorRefused
from modelgate.sandbox.given_files import GivenPicture

MAX_PROMPT = 10_000
MAX_SEED = 2**32 - 1
MAX_IMAGE_BYTES = 20 * 1024 * 1024
MAX_SCENE_PICTURES = 5
MAX_FRAMES = 5
MAX_FRAMES_SECONDS = 25
MAX_SIDES_RATIO = 2.5
DEFAULT_SECONDS = 5
APP = "fal-ai/pika"

RATIOS = {"16:9": (16, 9), "9:16": (9, 16), "1:1": (1, 1), "4:5": (4, 5), "5:4": (5, 4), "3:2": (3, 2), "2:3": (2, 3)}
SHORT_SIDES_PX = {"720p": 720, "1080p": 1080}
EFFECTS = (
    *("Cake-ify", "Crumble", "Crush", "Decapitate", "Deflate", "Dissolve", "Explode", "Eye-pop"),
    *("Inflate", "Levitate", "Melt", "Peel", "Poke", "Squish", "Ta-da", "Tear"),
)
QUEUED_S = 0.3
WORKING_S = 0.9
SLOW_TASK_S = 12.0
"""A job waits `QUEUED_S`, then is worked on for `WORKING_S`; a slow one for `SLOW_TASK_S`."""

Text = Annotated[str, msgspec.Meta(max_length=MAX_PROMPT)]


class FalRefused(VendorRefused):
    """The make-believe vendor refuses; `detail` stands under that name in its answer, `kind` in `x-fal-error-type`."""

    def __init__(self, status: int, detail: Json, kind: str = "") -> None:
        super().__init__(status, {"detail": detail})
        self.detail = detail
        self.kind = kind

    def response(self, job_id: str = "") -> Response:
        """Return the refusal as the vendor answers it, about a job or about none."""
        answer = super().response()
        answer.headers["x-fal-request-id"] = job_id or str(uuid.uuid4())
        if self.kind:
            answer.headers["x-fal-error-type"] = self.kind
        return answer


class Picture(GivenPicture):
    """A picture at an address, or as a data URI."""

    forms = frozenset(("uri",))
    most_bytes = MAX_IMAGE_BYTES
    most_ratio = MAX_SIDES_RATIO


class Transition(msgspec.Struct, frozen=True):
    """How one frame becomes the next."""

    prompt: Text = ""
    duration: Annotated[int, msgspec.Meta(ge=1, le=MAX_FRAMES_SECONDS)] | None = DEFAULT_SECONDS


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of all endpoints. Which of them one takes is in `ENDPOINTS`; what it does not know it ignores."""

    prompt: Text = ""
    negative_prompt: Text = ""
    seed: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEED)] | None = None
    aspect_ratio: Annotated[str, one_of(RATIOS)] = "16:9"
    resolution: Annotated[str, one_of(SHORT_SIDES_PX)] = "720p"
    duration: Literal[5, 10] = 5
    image_url: Picture = Picture()
    image_urls: tuple[Picture, ...] = ()
    ingredients_mode: Literal["precise", "creative"] = "precise"
    pikaffect: Annotated[str, one_of(EFFECTS)] = ""
    transitions: tuple[Transition, ...] | None = None


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What one endpoint must have and takes beside that, a negative prompt and a seed; `pictures` are the fewest and the most."""

    needs: tuple[str, ...] = ("prompt",)
    takes: tuple[str, ...] = ("resolution", "duration")
    pictures: tuple[int, int] = (0, 0)


_TEXT = Endpoint(takes=("aspect_ratio", "resolution", "duration"))
_IMAGE = Endpoint(needs=("prompt", "image_url"))

ENDPOINTS: dict[str, Endpoint] = {
    "v2.2/text-to-video": _TEXT,
    "v2.2/image-to-video": _IMAGE,
    "v2.2/pikascenes": Endpoint(
        needs=("prompt", "image_urls"),
        takes=("aspect_ratio", "resolution", "duration", "ingredients_mode"),
        pictures=(1, MAX_SCENE_PICTURES),
    ),
    "v2.2/pikaframes": Endpoint(needs=("image_urls",), takes=("prompt", "resolution", "transitions"), pictures=(2, MAX_FRAMES)),
    "v2.1/text-to-video": _TEXT,
    "v2.1/image-to-video": _IMAGE,
    "v2/turbo/text-to-video": _TEXT,
    "v2/turbo/image-to-video": _IMAGE,
    "v1.5/pikaffects": Endpoint(needs=("image_url", "pikaffect"), takes=("prompt",)),
}
"""By the path beneath the application."""


class VideoOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A checked request: a video to be made. Both sides in pixels are even."""

    prompt: str
    width: int
    height: int
    seconds: float
    seed: int


class Failure(msgspec.Struct, frozen=True):
    """How a job that makes nothing ends: what its result answers. `told`: its status says so too."""

    status: int
    detail: Json
    kind: str = ""
    told: str = ""


class FalJob(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted job. Its state follows from its age alone; without an order it fails."""

    id: str
    created_at: float
    working_s: float
    order: VideoOrder | None = None
    failure: Failure | None = None
    cancelled_at: float | None = None
    webhook: str = ""

    def status(self, now: float) -> str:
        """Return IN_QUEUE, IN_PROGRESS or COMPLETED, which a failed or cancelled job is too."""
        age = now - self.created_at
        if self.cancelled_at is not None or age >= QUEUED_S + self.working_s:
            return "COMPLETED"
        return "IN_QUEUE" if age < QUEUED_S else "IN_PROGRESS"


CANCELLED = Failure(499, "Request was cancelled", "client_cancelled", "Request was cancelled")
BLOCKED = Failure(
    422,
    [
        {
            "loc": ["body", "prompt"],
            "msg": "The content could not be processed because it contained material flagged by a content checker.",
            "type": "content_policy_violation",
        }
    ],
)
FAILED = Failure(500, "The prompt asked for a failed task.", "runner_server_error", "The prompt asked for a failed task.")
PROVOKED: dict[int, tuple[int, str, str]] = {
    401: (401, "No user found for Key ID and Secret", ""),
    429: (429, "Too many concurrent requests", ""),
    529: (503, "Service unavailable", "runner_scheduling_failure"),
}
"""What magic makes of a submit: status, detail, kind."""


def kind_of(status: int) -> str:
    """Return what fal calls an error of some status."""
    return "internal_error" if status >= 500 else "bad_request"
