"""A job of the make-believe Midjourney: its state, which follows from its age alone, the buttons under it, and how the proxy shows it."""

import hashlib

import msgspec

from modelgate.core.records import Json

SUBMITTED_S = 0.2
WORKING_S = {"TURBO": 0.6, "FAST": 1.0, "RELAX": 2.5}
SLOW_TASK_S = 12.0
"""A job rests in SUBMITTED, then works this long, by its speed; a slow one `SLOW_TASK_S`."""

GRIDS = frozenset(
    ("IMAGINE", "VARIATION", "REROLL", "BLEND", "LOW_VARIATION", "HIGH_VARIATION", "ZOOM", "PAN", "CUSTOM_ZOOM", "INPAINT", "EDITS")
)
"""Actions whose picture is a grid of four."""

KEYCAPS = ("1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣")
DIALOGS = {"CustomZoom": "CUSTOM_ZOOM", "Inpaint": "INPAINT"}
_VERBS = {
    "upsample": "UPSCALE",
    "variation": "VARIATION",
    "reroll": "REROLL",
    "low_variation": "LOW_VARIATION",
    "high_variation": "HIGH_VARIATION",
    "Outpaint": "ZOOM",
    "PicReader": "PIC_READER",
    "Picread": "DESCRIBE",
    "PromptAnalyzer": "IMAGINE",
    "animate_high": "VIDEO",
    "animate_low": "VIDEO",
    **DIALOGS,
}


class MidjourneyJob(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted job. `starts_at` is later than `created_at` when it had to queue; None while its dialog is open.

    `width` and `height` are of the whole picture; `variant` tells pictures of one prompt apart; `reference` is a thumbnail of what
    was given.
    `end` is how it ends. `seconds` and `videos` are 0 for a picture.
    """

    action: str
    prompt: str = ""
    description: str = ""
    id: str = ""
    uuid: str = ""
    created_at: float = 0.0
    starts_at: float | None = 0.0
    working_s: float = 1.0
    end: str = "SUCCESS"
    mode: str = "FAST"
    bot_type: str = "MID_JOURNEY"
    state: str = ""
    custom_id: str = ""
    parent: str = ""
    index: int = 0
    width: int = 1024
    height: int = 1024
    variant: int = 0
    reference: bytes | None = None
    answer: str = ""
    seconds: float = 0.0
    videos: int = 0
    notify_hook: str = ""

    def status(self, now: float) -> str:
        """Return the proxy's word for how far it is."""
        if self.starts_at is None:
            return "MODAL" if self.end == "SUCCESS" else self.end
        age = now - self.starts_at
        if age < SUBMITTED_S:
            return "NOT_START" if age < 0 else "SUBMITTED"
        return "IN_PROGRESS" if age < SUBMITTED_S + self.working_s else self.end

    def ends_at(self) -> float:
        """Return when it is over; never, while its dialog is open."""
        return float("inf") if self.starts_at is None else self.starts_at + SUBMITTED_S + self.working_s

    def changes_s(self, now: float) -> tuple[float, ...]:
        """Return how far apart its changes from now on are; an open dialog is one."""
        if self.starts_at is None:
            return (0.0,)
        begins_at = self.starts_at + SUBMITTED_S
        return begins_at - now, self.ends_at() - begins_at

    def seed(self) -> str:
        """Return the number its noise began with."""
        return str(int(hashlib.sha256(f"{self.parent or self.id}".encode()).hexdigest()[:8], 16))

    def progress(self, now: float) -> str:
        """Return how far it is, with a percent sign."""
        match self.status(now):
            case "SUCCESS" | "FAILURE" | "CANCEL":
                return "100%"
            case "IN_PROGRESS":
                return f"{min(95, int((now - (self.starts_at or now) - SUBMITTED_S) / self.working_s * 100))}%"
        return "0%"


def buttons_of(job: MidjourneyJob) -> list[dict[str, Json]]:
    """Return the buttons under a finished job, as the bot arranges them."""
    uuid = job.uuid
    if job.action in GRIDS:
        rows = [(f"MJ::JOB::upsample::{n}::{uuid}", "", f"U{n}") for n in range(1, 5)]
        rows.append((f"MJ::JOB::reroll::0::{uuid}::SOLO", "🔄", ""))
        rows += [(f"MJ::JOB::variation::{n}::{uuid}", "", f"V{n}") for n in range(1, 5)]
    elif job.action == "UPSCALE":
        rows = _under_one_picture(uuid)
    elif job.action == "DESCRIBE":
        rows = [(f"MJ::Job::PicReader::{n}", KEYCAPS[n - 1], "") for n in range(1, 5)]
        rows += [("MJ::Job::PicReader::all", "🎉", "Imagine all"), ("MJ::Picread::Retry", "🔄", "")]
    elif job.action == "SHORTEN":
        rows = [(f"MJ::Job::PromptAnalyzer::{n}", KEYCAPS[n - 1], "") for n in range(1, 6)]
    else:
        rows = []
    return [{"customId": custom_id, "emoji": emoji, "label": label, "type": 2, "style": 2} for custom_id, emoji, label in rows]


def _under_one_picture(uuid: str) -> list[tuple[str, str, str]]:
    return [
        (f"MJ::JOB::upsample_v7_2x_subtle::1::{uuid}::SOLO", "", "Upscale (Subtle)"),
        (f"MJ::JOB::upsample_v7_2x_creative::1::{uuid}::SOLO", "", "Upscale (Creative)"),
        (f"MJ::JOB::low_variation::1::{uuid}::SOLO", "🪄", "Vary (Subtle)"),
        (f"MJ::JOB::high_variation::1::{uuid}::SOLO", "🪄", "Vary (Strong)"),
        (f"MJ::Inpaint::1::{uuid}::SOLO", "🖌️", "Vary (Region)"),
        (f"MJ::Outpaint::50::1::{uuid}::SOLO", "🔍", "Zoom Out 2x"),
        (f"MJ::Outpaint::75::1::{uuid}::SOLO", "🔍", "Zoom Out 1.5x"),
        (f"MJ::CustomZoom::{uuid}", "🔍", "Custom Zoom"),
        *(
            (f"MJ::JOB::pan_{side}::1::{uuid}::SOLO", arrow, "")
            for side, arrow in zip(("left", "right", "up", "down"), "⬅➡⬆⬇", strict=True)
        ),
        (f"MJ::JOB::animate_high::1::{uuid}::SOLO", "", "Animate (High motion)"),
        (f"MJ::JOB::animate_low::1::{uuid}::SOLO", "", "Animate (Low motion)"),
        (f"MJ::BOOKMARK::{uuid}", "❤️", ""),
    ]


def read_custom_id(custom_id: str) -> tuple[str, int]:
    """Return the action that a button stands for and the index of the picture in it; no action for one that makes no job."""
    parts = custom_id.split("::")
    place = 2 if parts[1:2] == ["JOB"] else 1
    verb = parts[place] if len(parts) > place else ""
    if verb == "Job":
        place, verb = 2, parts[2] if len(parts) > 2 else ""
    action = "PAN" if verb.startswith("pan_") else "UPSCALE" if verb.startswith("upsample") else _VERBS.get(verb, "")
    number = parts[place + 1] if len(parts) > place + 1 else ""
    return action, int(number) if number.isascii() and number.isdecimal() and len(number) < 3 else 0


def show_job(job: MidjourneyJob, now: float, *, files_url: str) -> dict[str, Json]:
    """Return the task object of the proxy; `files_url` ends in a slash."""
    status = job.status(now)
    done, has_begun = status == "SUCCESS", status in ("IN_PROGRESS", "SUCCESS")
    started_at = job.starts_at + SUBMITTED_S if job.starts_at is not None and has_begun else 0.0
    over = status in ("SUCCESS", "FAILURE", "CANCEL")
    ended_at = (job.ends_at() if job.starts_at is not None else job.created_at) if over else 0.0
    has_picture = has_begun and job.action not in ("SHORTEN",)
    videos = [{"url": f"{files_url}{job.id}-{number}.mp4"} for number in range(job.videos)] if done else []
    return {
        "id": job.id,
        "action": job.action,
        "customId": job.custom_id,
        "botType": job.bot_type,
        "mode": job.mode,
        "prompt": job.prompt,
        "promptEn": job.prompt,
        "description": job.answer if done and job.action == "SHORTEN" else job.description,
        "state": job.state,
        "submitTime": int(job.created_at * 1000),
        "startTime": int(started_at * 1000),
        "finishTime": int(ended_at * 1000),
        "imageUrl": f"{files_url}{job.id}.png" if has_picture else "",
        "imageWidth": job.width if has_picture else None,
        "imageHeight": job.height if has_picture else None,
        "videoUrl": videos[0]["url"] if videos else "",
        "videoUrls": videos or None,
        "status": status,
        "progress": job.progress(now),
        "failReason": "The prompt asked for a failed task." if status == "FAILURE" else "",
        "buttons": buttons_of(job) if done else [],
        "maskBase64": "",
        "properties": {"finalPrompt": (job.answer or job.prompt) if done else "", "finalZhPrompt": ""},
    }
