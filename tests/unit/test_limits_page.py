"""docs/limits.md against the code: every figure that a constant says is the one on the page."""

import re
from pathlib import Path

import msgspec
import pytest

from modelgate.app import control_reach, data_directory, doctor, serve
from modelgate.app.operator_settings import OPERATOR_SETTINGS
from modelgate.app.settings import Settings
from modelgate.control import lists, overview, playground, redemption, request_csv, yescale_reference
from modelgate.core import claims, usage
from modelgate.core.members import SESSION_IDLE_S
from modelgate.core.records import Upstream
from modelgate.edge.limits import EdgeLimits
from modelgate.formats.ideogram import schema as ideogram
from modelgate.formats.kling import schema as kling
from modelgate.formats.luma import schema as luma
from modelgate.formats.midjourney import schema as midjourney
from modelgate.formats.openai_chat import schema as openai_chat
from modelgate.formats.openai_image_tasks import schema as openai_image_tasks
from modelgate.formats.openai_images import uploads
from modelgate.formats.openai_speech import schema as openai_speech
from modelgate.formats.openai_transcriptions import families as transcriptions
from modelgate.formats.openai_videos import schema as openai_videos
from modelgate.formats.pika import schema as pika
from modelgate.formats.runway import schema as runway
from modelgate.formats.suno import schema as suno
from modelgate.formats.tasks import schema as tasks_schema
from modelgate.gateway import (
    answer_cache,
    answer_stream,
    callbacks,
    calls,
    chat_exchange,
    chat_inputs,
    idempotency,
    pictures,
    previews,
    refusals,
    single,
    task_events,
    waiting,
)
from modelgate.identity import attempts, key_bounds, members, passwords, sessions, table
from modelgate.metering import prices
from modelgate.providers import load_providers
from modelgate.routing import health, retry
from modelgate.storage import account_log, request_log
from modelgate.storage import claims as stored_claims
from modelgate.storage import members as stored_members
from modelgate.storage import refusals as stored_refusals
from modelgate.storage import tasks as stored_tasks
from modelgate.storage import webhooks as stored_webhooks
from modelgate.tasks import outputs, submit, webhooks
from modelgate.telemetry import metrics
from modelgate.transport import guard
from modelgate.transport.target import Timeouts

PAGE = Path(__file__).parents[2] / "docs" / "limits.md"
DAY_S = 86_400
UNITS = {"KiB": 1024, "MiB": 1024**2, "KiB/s": 1024, "hours": 3600, "days": 1, "": 1}
EDGE, SETTINGS, TIMEOUTS = EdgeLimits(), Settings(), Timeouts()
DEADLINES = {
    (provider.name, name): operation.deadline_s for provider in load_providers().values() for name, operation in provider.media.items()
}


def kept_days(name: str) -> float:
    return float(OPERATOR_SETTINGS[name].default)


FIGURES: dict[str, list[float]] = {
    "body": [SETTINGS.max_body_bytes],
    "request line and headers": [EDGE.max_head_bytes],
    "header lines": [EDGE.max_headers],
    "time for the headers to arrive": [EDGE.head_timeout_s],
    "silence within a body": [EDGE.body_timeout_s],
    "slowest body, on the whole": [EDGE.min_body_rate],
    "bodies that one process holds at once": [EDGE.max_buffered_bytes],
    "connections to one process": [EDGE.max_connections],
    "idle connection is kept": [EDGE.idle_timeout_s],
    "client reads nothing of its answer for": [EDGE.write_stall_timeout_s],
    "body of the account API": [control_reach.MAX_BODY_BYTES],
    "choices (n) of one conversation": [openai_chat.MAX_CHOICES],
    "recording to be transcribed": [transcriptions.MAX_FILE_BYTES],
    "text to be spoken by OpenAI's models": [family.max_characters for family in openai_speech.FAMILIES],
    "text to be spoken by others": [openai_speech.MAX_INPUT_CHARACTERS],
    "picture to be edited": [uploads.MAX_UPLOAD_BYTES],
    "pictures by address that are fetched for a model, in one request": [chat_inputs.MAX_IMAGES],
    "each of them": [chat_inputs.MAX_IMAGE_BYTES],
    "together": [chat_inputs.MAX_TOTAL_BYTES],
    "time to fetch one": [chat_inputs.FETCH_TIMEOUT_S],
    "redirects that are followed": [guard.MAX_REDIRECTS],
    "file of a task: Kling, Midjourney, Ideogram": [kling.MAX_IMAGE_BYTES, midjourney.MAX_IMAGE_BYTES, ideogram.MAX_FILE_BYTES],
    "file of a task: Luma, Pika, Flux, /v1/videos": [
        luma.MAX_IMAGE_BYTES,
        pika.MAX_IMAGE_BYTES,
        openai_image_tasks.MAX_INPUT_BYTES,
        openai_videos.MAX_FILE_BYTES,
    ],
    "file of a task: /v1/tasks": [tasks_schema.MAX_FILE_BYTES],
    "picture of a task: Runway": [runway.MAX_IMAGE_BYTES],
    "side of a picture": [pictures.MAX_SIDE_PIXELS],
    "wait for an upstream's first byte": [
        next(field.default for field in msgspec.structs.fields(Upstream) if field.name == "timeout_s"),
        TIMEOUTS.head_s,
    ],
    "connecting to an upstream": [TIMEOUTS.connect_s],
    "silence within an answer": [TIMEOUTS.idle_s],
    "attempts, all upstreams together": [retry.MAX_ATTEMPTS],
    "conversation that is not streamed": [chat_exchange.MAX_ANSWER_BYTES],
    "sound, pictures, vectors": [single.MAX_ANSWER_BYTES],
    "silence before a comment keeps a stream awake": [calls.KEEPER_TICK_S * answer_stream.KEEP_ALIVE_TICKS, task_events.KEEP_ALIVE_S],
    "after the client has left, the answer is read on for": [answer_stream.MAX_DRAIN_S],
    "… and for": [answer_stream.MAX_DRAIN_BYTES],
    "pause of an upstream after three failures": [health.FIRST_COOLDOWN_S],
    "longest Retry-After of an upstream that is honoured": [health.MAX_RETRY_AFTER_S],
    "rate of a price": [prices.MAX_RATE_USD],
    "multiplier of a group": [prices.MAX_MULTIPLIER],
    "units of one request (tokens, characters, …)": [usage.MAX_UNITS],
    "keys that a process remembers at once": [table.MAX_KEYS],
    "life of a picture at Kling": [DEADLINES["kling", "image"], DEADLINES["kling", "image.try_on"]],
    "life of a picture at Ideogram or Flux, of a song or lyrics at Suno": [
        deadline_s for (name, _), deadline_s in DEADLINES.items() if name in ("ideogram", "bfl", "suno")
    ],
    "life of all other tasks": [
        deadline_s
        for (name, operation), deadline_s in DEADLINES.items()
        if name not in ("ideogram", "bfl", "suno") and not (name == "kling" and operation.startswith("image"))
    ],
    "wait of POST /v1/images/generations for its tasks": [SETTINGS.image_wait_s],
    "calls of one process that wait like that": [waiting.MAX_WAITING],
    "submits in a task's life": [submit.MAX_ATTEMPTS],
    "files of a result": [outputs.MAX_OUTPUTS],
    "picture of a result": [outputs.MAX_FILE_BYTES["image"]],
    "sound of a result": [outputs.MAX_FILE_BYTES["audio"]],
    "video of a result": [outputs.MAX_FILE_BYTES["video"]],
    "tasks in one page of GET /v1/tasks": [stored_tasks.MAX_PAGE],
    "tasks in one POST /suno/fetch": [suno.MAX_FETCHED],
    "watchers of /events in one process": [task_events.MAX_WATCHERS],
    "tries of a webhook": [webhooks.MAX_TRIES],
    "time for a receiver to answer": [webhooks.SEND_TIMEOUT_S],
    "webhooks of one account under way at once": [stored_webhooks.MAX_OF_ACCOUNT],
    "what Midjourney's and Luma's hooks hear of progress": [stored_webhooks.PROGRESS_APART_S],
    "preview of a picture that is still drawn": [previews.MAX_BYTES],
    "calls of vendors that one process looks into in a second": [callbacks.MAX_PER_S],
    "age of a vendor's signed call": [
        provider.callback_proof.tolerance_s for provider in load_providers().values() if provider.callback_proof is not None
    ],
    "Idempotency-Key": [idempotency.MAX_KEY_CHARACTERS],
    "an answer is kept for": [stored_claims.KEPT_S],
    "answer that is kept": [claims.MAX_STORED_BYTES],
    "answers kept for one account": [stored_claims.MAX_ANSWERS_PER_ACCOUNT],
    "age of an answer from the cache": [answer_cache.MAX_AGE_S],
    "cache of one process": [answer_cache.MAX_ANSWERS],
    "answer, and request, in the cache": [answer_cache.MAX_ANSWER_BYTES, answer_cache.MAX_REQUEST_BYTES],
    "models that a key is bound to": [key_bounds.MAX_MODELS],
    "addresses and networks that a key is bound to": [key_bounds.MAX_NETWORKS],
    "grace of an old secret after a rotation": [key_bounds.MAX_GRACE_S / DAY_S],
    "sign-ins tried for one email from one address": [attempts.EMAIL_FROM_ADDRESS.tries],
    "sign-ins tried for one email, from anywhere": [attempts.EMAIL.tries],
    "sign-ins tried from one address": [attempts.ADDRESS.tries],
    "accounts that one address makes, where sign-up is on": [attempts.SIGN_UPS.tries],
    "unknown redemption codes tried by one member": [attempts.REDEMPTIONS.tries],
    "password": [passwords.MIN_LENGTH],
    "a browser stays signed in, unused": [SESSION_IDLE_S / DAY_S],
    "… and however much it is used": [sessions.MAX_AGE_S / DAY_S],
    "browsers of one member that are signed in": [stored_members.MAX_SESSIONS],
    "invitations and setup links are good for": [members.LINK_LIFETIME_S / DAY_S],
    "invitations under way": [stored_members.MAX_INVITATIONS],
    "rows in one page of a list": [lists.MAX_ROWS],
    "redemption codes made in one call": [redemption.MAX_CODES],
    "the playground's key is good for": [playground.LIFETIME_S],
    "files of tasks, results and inputs": [SETTINGS.file_retention_days],
    "tasks that ended": [kept_days("keep_tasks_days")],
    "webhooks that ended": [kept_days("keep_deliveries_days")],
    "calls that were refused before money was held": [kept_days("keep_refusals_days")],
    "rows of a page of /api/requests": [lists.MAX_ROWS],
    "index entries looked through for a page": [request_log.MAX_LOOKED_THROUGH],
    "lines before a page of /yescale/logs": [yescale_reference.MAX_OFFSET],
    "index entries looked through for a page of /yescale/logs": [account_log.MAX_LOOKED_THROUGH],
    "lines of a CSV": [request_csv.MAX_ROWS],
    "span of /api/overview": [overview.MAX_SPAN_S / DAY_S],
    "series of a chart": [overview.MAX_SERIES],
    "refusals kept one by one, in a second and process": [refusals.MAX_GATHERED],
    "refusals kept": [stored_refusals.MAX_ROWS],
    "processes that relay": [256],
    "path of the data directory": [
        data_directory.MAX_SOCKET_PATH_BYTES - len(f"/run/{data_directory.LONGEST_SOCKET_NAME}"),
    ],
    "free disk space that modelgate doctor wants": [doctor.LEAST_FREE_BYTES],
    "time to bring the database up to date at a start": [serve.START_TIMEOUT_S],
    "time for running requests to finish at a stop": [SETTINGS.drain_s],
    "series of metrics in one process": [metrics.MAX_SERIES],
}
"""The row's first cell in plain words -> what the code says."""
ELSEWHERE = {
    "tasks running at one upstream": "no figure",
    "… and in all": "said twice, by another test below",
    "signed addresses of them": "as the files",
    "requests, and the ledger": "no figure",
    "pictures by address that a vendor keeps (DALL·E)": "the vendor's",
    "answers kept at OpenAI (previous_response_id)": "the vendor's",
}


def rows() -> list[tuple[str, str]]:
    """Return the first two cells of every row, in plain words."""
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", PAGE.read_text()).replace("`", "")
    found = re.findall(r"^\| (.+?) \| (.+?) \|", plain, re.MULTILINE)
    return [(name, value) for name, value in found if not set(name) <= set("-| :") and name not in ("bound", "what")]


def figure_of(value: str) -> float:
    found = re.match(r"([\d,]+)\s?(KiB/s|KiB|MiB|hours)?", value)
    assert found is not None, value
    return int(found[1].replace(",", "")) * UNITS[found[2] or ""]


def test_every_row_is_checked() -> None:
    assert {name for name, _ in rows()} == set(FIGURES) | set(ELSEWHERE)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, value in rows() if name in FIGURES])
def test_a_figure_is_what_the_code_says(name: str, value: str) -> None:
    assert set(FIGURES[name]) == {figure_of(value)}


def test_tries_and_their_windows() -> None:
    bounds = (attempts.EMAIL_FROM_ADDRESS, attempts.EMAIL, attempts.ADDRESS, attempts.SIGN_UPS, attempts.REDEMPTIONS)
    told = [value for name, value in rows() if " tried " in name or name.startswith("accounts that one address makes")]
    assert told == [f"{bound.tries} in {'an hour' if bound.window_s == 3600 else f'{bound.window_s / 60:g} minutes'}" for bound in bounds]
    assert ("password", f"{passwords.MIN_LENGTH} to {passwords.MAX_LENGTH} characters") in rows()


def test_both_totals() -> None:
    totals = [figure_of(value) for name, value in rows() if name == "… and in all"]
    assert totals == [stored_claims.MAX_BYTES_PER_ACCOUNT, answer_cache.MAX_BYTES]
