"""Any dialect over any vendor: every cell of clients x upstreams x what can be asked x streamed or not, against a running gateway.

A cell checks what is said, why it ended in the dialect's own words, and that the client, the vendor and the book count the same; the
charge is the list's price. What a protocol cannot say is listed in docs/dialects.md and tested
in test_dialects.py.
"""

import base64
import functools
import http.client
import io
import json
import re
import socket
import sqlite3
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import msgspec
import pytest
from PIL import Image
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.dialects.ask import Ask, Counted, Model, Results, Told, Tool, User
from tests.integration.gateway.dialects.models import FAILING, LIMITED, PLAIN, THINKING
from tests.integration.gateway.dialects.talk import DIALECTS, Talk, results

import modelgate.metering
from modelgate.core.records import RequestFacts

THREADS = 8
BOOKED_S = 60.0

WEATHER = Tool("get_weather", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
CLOCK = Tool("get_time", {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]})
BOOK = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}, "year": {"type": "integer"}},
    "required": ["title", "tags", "year"],
    "additionalProperties": False,
}


@functools.cache
def picture() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 32), (220, 30, 30)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


class Cell(NamedTuple):
    """One thing to try. `vendor` is the upstream's."""

    talk: Talk
    vendor: str

    @property
    def streams(self) -> bool:
        return self.talk.mode != "whole"

    def finish(self, word: str) -> str:
        """Return how this client's dialect says why an answer ended."""
        return self.talk.dialect.finishes[word]


Turns = tuple[User | Model | Results, ...]
Scenario = Callable[[Cell], None]
SCENARIOS: dict[str, tuple[dict[str, str], Scenario]] = {}
"""Name -> the models it asks, and what it does."""


def scenario(models: dict[str, str]) -> Callable[[Scenario], Scenario]:
    def put(function: Scenario) -> Scenario:
        SCENARIOS[function.__name__] = (models, function)
        return function

    return put


def plain(text: str) -> str:
    """Return what was said about results; those of Gemini's clients are objects, which other vendors get as JSON."""
    return re.sub(r'\{"result":"(\w[\w ]*)"\}', r"\1", text)


@scenario(PLAIN)
def text(cell: Cell) -> None:
    told = cell.talk.say("Count to 9")
    assert (told.text, told.finish) == ("1, 2, 3, 4, 5, 6, 7, 8, 9", cell.finish("stop"))
    assert told.pieces > 5 or not cell.streams
    assert told.headers.get("modelgate-ignored", "") == ""


@scenario(PLAIN)
def system(cell: Cell) -> None:
    alone = cell.talk.say("Say: hi")
    told = cell.talk.say("Say: hi", system="You are a pirate. Never use the letter e.")
    assert told.text == "hi"
    assert told.usage is not None
    assert alone.usage is not None
    assert told.usage.input >= alone.usage.input + 8, "the instructions did not arrive"


@scenario(PLAIN)
def turns(cell: Cell) -> None:
    first = cell.talk.say("Say: good morning")
    told = cell.talk.ask(Ask(turns=(User("Say: good morning"), Model(first.turn), User("Say: good night"))))
    assert told.text == "good night"
    assert told.usage is not None
    assert first.usage is not None
    assert told.usage.input >= first.usage.input + 6


@scenario(PLAIN)
def image(cell: Cell) -> None:
    told = cell.talk.say("What is this?", picture=picture())
    assert told.text == "Picture 1 is a PNG of 64x32 pixels; its dominant colour is red."


@scenario(PLAIN)
def tool(cell: Cell) -> None:
    question = User("What is the weather in Paris?")
    told = cell.talk.ask(Ask(turns=(question,), tools=(WEATHER, CLOCK)))
    assert [(call.name, call.arguments) for call in told.calls] == [("get_weather", {"city": "Paris"})]
    assert told.finish == cell.finish("tools")
    ended = cell.talk.ask(Ask(turns=(question, Model(told.turn), results(told, "21 degrees")), tools=(WEATHER, CLOCK)))
    assert (plain(ended.text), ended.calls, ended.finish) == ("According to get_weather: 21 degrees", (), cell.finish("stop"))


@scenario(PLAIN)
def parallel_tools(cell: Cell) -> None:
    question = User("Get both the weather and the time in Oslo")
    told = cell.talk.ask(Ask(turns=(question,), tools=(WEATHER, CLOCK)))
    assert [(call.name, call.arguments) for call in told.calls] == [("get_weather", {"city": "Oslo"}), ("get_time", {"zone": "Oslo"})]
    assert told.finish == cell.finish("tools")
    ended = cell.talk.ask(Ask(turns=(question, Model(told.turn), results(told, "sunny", "noon")), tools=(WEATHER, CLOCK)))
    assert plain(ended.text) == "According to get_weather: sunny According to get_time: noon"


@scenario(PLAIN)
def forced_tool(cell: Cell) -> None:
    named = cell.talk.say("What is the weather in Rome?", tools=(WEATHER, CLOCK), choice="get_time")
    assert [call.name for call in named.calls] == ["get_time"]
    # OpenAI itself says stop when a call was demanded by name; whoever is translated says that a tool was called.
    assert named.finish in (cell.finish("named"), "stop")
    required = cell.talk.say("Say: hi", tools=(WEATHER,), choice="required")
    assert ([call.name for call in required.calls], required.finish) == (["get_weather"], cell.finish("tools"))


@scenario(PLAIN)
def schema(cell: Cell) -> None:
    told = cell.talk.say("A book from 1984", schema=BOOK)
    jsonschema.validate(json.loads(told.text), BOOK)
    assert json.loads(told.text)["year"] == 1984


@scenario(PLAIN)
def json_mode(cell: Cell) -> None:
    told = cell.talk.say("Say: hi, as JSON", json=True)
    if cell.vendor == "anthropic":
        assert told.usage is not None
        assert told.usage.input > 20, "asked for in words, since the vendor has no field for it"
    else:
        assert isinstance(json.loads(told.text), dict)


@scenario(PLAIN)
def stop(cell: Cell) -> None:
    told = cell.talk.say("Count to 9", stop=("5", "8"))
    assert told.text.rstrip() == "1, 2, 3, 4,"
    told_apart = cell.vendor == "anthropic"
    assert told.finish == cell.finish("stop_sequence" if told_apart else "stop")


@scenario({**PLAIN, "gemini": "gemini-2.5-flash-lite"})  # flash would spend the limit on thoughts
def limit(cell: Cell) -> None:
    told = cell.talk.say("Count to 99", limit=17)
    assert told.text.startswith("1, 2")
    assert "9, 10" not in told.text
    assert told.finish == cell.finish("length")
    assert told.usage is not None
    assert told.usage.output == 17


@scenario(THINKING)
def thinking_in_a_tool_loop(cell: Cell) -> None:
    """The vendors sign their thoughts and refuse the next turn without them."""
    question = User("What is the weather in Paris?")
    told = cell.talk.ask(Ask(turns=(question,), tools=(WEATHER,), thinks=True))
    assert [(call.name, call.arguments) for call in told.calls] == [("get_weather", {"city": "Paris"})]
    assert told.finish == cell.finish("tools")
    assert told.usage is not None
    assert 0 < told.usage.reasoning < told.usage.output
    if cell.vendor == "anthropic":
        assert "The user says" in told.thoughts
    after = (question, Model(told.turn), results(told, "21 degrees"))
    ended = cell.talk.ask(Ask(turns=after, tools=(WEATHER,), thinks=True))
    assert (plain(ended.text), ended.finish) == ("According to get_weather: 21 degrees", cell.finish("stop"))
    again = cell.talk.ask(Ask(turns=(*after, Model(ended.turn), User("Say: thanks")), tools=(WEATHER,), thinks=True))
    assert again.text == "thanks" or again.calls, "a later turn is taken too"


@scenario(THINKING)
def thinking(cell: Cell) -> None:
    told = cell.talk.say("Say: yes", thinks=True)
    assert told.text == "yes"
    assert told.usage is not None
    assert 0 < told.usage.reasoning < told.usage.output


@scenario(PLAIN)
def cached_usage(cell: Cell) -> None:
    told = cell.talk.say("magic: tokens 1000 20 300 100")
    # Only Claude counts what is written to its cache, and Gemini's clients have no word for it.
    written = 100 if cell.vendor == "anthropic" and cell.talk.dialect.name != "gemini_content" else 0
    assert told.usage == Counted(1000, 20, 300, written)


@scenario(PLAIN)
def refusal(cell: Cell) -> None:
    word = {"openai": "refusal", "anthropic": "refusal", "gemini": "blocked-answer"}[cell.vendor]
    told = cell.talk.say(f"Count to 20\nmagic: {word}")
    if cell.vendor != "openai":
        assert told.finish == cell.finish("filtered")
        assert "20" not in told.text


@scenario({"gemini": "gemini-2.5-flash-image"})
def picture_as_answer(cell: Cell) -> None:
    told = cell.talk.say("A red kite")
    (drawn,) = told.pictures
    assert Image.open(io.BytesIO(base64.b64decode(drawn))).format == "PNG"
    assert told.finish == cell.finish("stop")


@scenario(PLAIN)
def document(cell: Cell) -> None:
    pdf = base64.b64encode(b"%PDF-1.4 /Type /Page").decode()
    told = cell.talk.say("What is this?", document=pdf)
    if cell.vendor != "openai":  # whose make-believe does not look into documents
        assert "is application/pdf of" in told.text
        assert "20 bytes" in told.text


@scenario(PLAIN)
def long_text_of_many_scripts(cell: Cell) -> None:
    said = "Grüße, 世界! \U0001f600 \u202e \x7f " * 9
    told = cell.talk.say(f"Say: {said}")
    assert told.text == said.strip()


@scenario(PLAIN)
def large_prompt(cell: Cell) -> None:
    told = cell.talk.say("Say: hi", system="Nothing here matters. " * 8_000)
    assert told.text == "hi"
    assert told.usage is not None
    assert told.usage.input > 30_000


@scenario({"openai": PLAIN["openai"], "gemini": PLAIN["gemini"]})
def cached_beginning(cell: Cell) -> None:
    """Claude caches only what is marked, and only its own clients have marks."""
    system = f"{cell.talk.dialect.name} {cell.talk.mode} " + "again and again " * 600
    first = cell.talk.say("Say: hi", system=system)
    again = cell.talk.say("Say: ho", system=system)
    assert first.usage is not None
    assert again.usage is not None
    assert (first.usage.cached, again.usage.cached >= 1024) == (0, True)


@scenario({"openai": THINKING["openai"], "gemini": THINKING["gemini"], "anthropic": PLAIN["anthropic"]})
def loop_of_two_steps(cell: Cell) -> None:
    """Gemini signs the first call of every step, and wants all signatures of the turn."""
    question = User("What is the weather in Paris?")
    first = cell.talk.ask(Ask(turns=(question,), tools=(WEATHER,)))
    turns = (question, Model(first.turn), results(first, "sunny"))
    second = cell.talk.ask(Ask(turns=turns, tools=(WEATHER,), choice="required"))
    assert [call.name for call in second.calls] == ["get_weather"]
    ended = cell.talk.ask(Ask(turns=(*turns, Model(second.turn), results(second, "rainy")), tools=(WEATHER,)))
    assert plain(ended.text) == "According to get_weather: rainy"


@scenario(THINKING)
def thinking_before_parallel_calls(cell: Cell) -> None:
    question = User("Get both the weather and the time in Oslo")
    fields: Any = {"tools": (WEATHER, CLOCK), "thinks": True}
    told = cell.talk.ask(Ask(turns=(question,), **fields))
    assert [call.name for call in told.calls] == ["get_weather", "get_time"]
    ended = cell.talk.ask(Ask(turns=(question, Model(told.turn), results(told, "sunny", "noon")), **fields))
    assert plain(ended.text) == "According to get_weather: sunny According to get_time: noon"


@scenario({"anthropic": THINKING["anthropic"]})
def redacted_thinking(cell: Cell) -> None:
    question = User("What is the weather in Paris?\nmagic: redacted-thinking")
    told = cell.talk.ask(Ask(turns=(question,), tools=(WEATHER,), thinks=True))
    assert told.thoughts == ""
    ended = cell.talk.ask(Ask(turns=(question, Model(told.turn), results(told, "sunny")), tools=(WEATHER,), thinks=True))
    assert plain(ended.text) == "According to get_weather: sunny"


@scenario({"openai": THINKING["openai"], "anthropic": THINKING["anthropic"], "gemini": THINKING["gemini"]})
def history_of_another_vendor(cell: Cell) -> None:
    """A conversation begun with a model of one vendor goes on with another's, whose signatures it has not."""
    question = User("What is the weather in Paris?")
    fields: Any = {"tools": (WEATHER,), "thinks": True}
    for vendor, model in THINKING.items():
        other = cell.talk.with_model(model)
        told = other.ask(Ask(turns=(question,), **fields))
        turns: Turns = (question, Model(told.turn), results(told, "sunny"))
        if not cell.talk.dialect.name.startswith(cell.vendor):  # bytes pass to the vendor, who wants its own signatures in such a loop
            assert plain(cell.talk.ask(Ask(turns=turns, **fields)).text) == "According to get_weather: sunny", vendor
        ended = other.ask(Ask(turns=turns, **fields))
        turns = (*turns, Model(ended.turn), question)
        again = cell.talk.ask(Ask(turns=turns, **fields))
        assert [call.name for call in again.calls] == ["get_weather"], vendor
        last = cell.talk.ask(Ask(turns=(*turns, Model(again.turn), results(again, "rainy")), **fields))
        assert plain(last.text) == "According to get_weather: rainy", vendor


@scenario({"gemini": PLAIN["gemini"]})
def blocked_prompt(cell: Cell) -> None:
    told = cell.talk.say("x\nmagic: blocked-prompt")
    assert told.text == ""
    assert told.finish in (cell.finish("filtered"), "blocked: SAFETY")


@scenario({"anthropic": PLAIN["anthropic"]})
def empty_answer(cell: Cell) -> None:
    told = cell.talk.say("x\nmagic: empty-answer")
    assert (told.text, told.finish) == ("", cell.finish("stop"))


@scenario(PLAIN)
def usage_not_counted(cell: Cell) -> None:
    assert cell.talk.say("Count to 9\nmagic: no-usage").usage is None


@scenario(PLAIN)
def usage_that_cannot_be(cell: Cell) -> None:
    assert cell.talk.say("Count to 9\nmagic: bad-usage").usage is None


# What fails: the class of the error in the caller's dialect.

ERRORS: dict[str, dict[int, tuple[Any, ...]]] = {}


class Failure(NamedTuple):
    """An error in a client's words: status, and the word its class has there (OpenAI's code, Anthropic's type, Gemini's status)."""

    status: int
    word: str | None


def failure_of(cell: Cell, told: Told) -> Failure:
    error = told.error
    assert error["message"]
    if cell.talk.dialect.name == "anthropic_messages":
        return Failure(told.status, error["type"])
    if cell.talk.dialect.name == "gemini_content":
        assert told.status in (200, error["code"])
        return Failure(told.status, error["status"])
    return Failure(told.status, error["code"])


def check_failure(cell: Cell, told: Told, **expected: tuple[int, str]) -> None:
    """`expected`: openai, anthropic and gemini -> status and word."""
    family = cell.talk.dialect.name.partition("_")[0]
    assert failure_of(cell, told) == Failure(*expected[family])
    assert told.request_id in told.error["message"] or told.request_id in json.dumps(told.error) or family == "anthropic"
    assert "sk-" not in json.dumps(told.error)


@scenario(LIMITED)
def error_429(cell: Cell) -> None:
    told = cell.talk.fail("hi\nmagic: error-429")
    check_failure(cell, told, openai=(429, "rate_limit_exceeded"), anthropic=(429, "rate_limit_error"), gemini=(429, "RESOURCE_EXHAUSTED"))
    assert int(told.headers["retry-after"]) >= 1


@scenario(FAILING)
def error_500(cell: Cell) -> None:
    told = cell.talk.fail("hi\nmagic: error-500")
    assert told.status == 500
    family = cell.talk.dialect.name.partition("_")[0]
    assert (
        failure_of(cell, told).word
        in {"openai": ("bad_response_status_code", "api_error", "internal"), "anthropic": ("api_error",), "gemini": ("INTERNAL",)}[family]
    )


@scenario(FAILING)
def error_529(cell: Cell) -> None:
    told = cell.talk.fail("hi\nmagic: error-529")
    family = cell.talk.dialect.name.partition("_")[0]
    assert told.status in ({"openai": (503, 529), "anthropic": (529,), "gemini": (503,)}[family])


@scenario({"anthropic": PLAIN["anthropic"]})
def prompt_too_long(cell: Cell) -> None:
    told = cell.talk.fail("hi\nmagic: context-too-long")
    expected = {
        "openai": (400, "context_length_exceeded"),
        "anthropic": (400, "invalid_request_error"),
        "gemini": (400, "INVALID_ARGUMENT"),
    }
    check_failure(cell, told, **expected)
    assert "prompt is too long" in told.error["message"]


@scenario(PLAIN)
def error_400(cell: Cell) -> None:
    told = cell.talk.fail("hi\nmagic: error-400")
    assert told.status == 400


@scenario(FAILING)
def mid_stream_error(cell: Cell) -> None:
    told = cell.talk.fail("Count to 40\nmagic: error-in-stream")
    assert (told.status == 200) == cell.streams
    assert told.pieces > 3 or not cell.streams


@scenario(FAILING)
def cut_stream(cell: Cell) -> None:
    told = cell.talk.fail("Count to 40\nmagic: cut-stream")
    assert told.status == (200 if cell.streams else 502)
    assert told.pieces > 3 or not cell.streams


# The cells.


def cells() -> Iterator[Any]:
    for name, (models, _) in SCENARIOS.items():
        for vendor in models:
            for dialect in DIALECTS:
                for mode in ("whole", "stream", "array") if dialect == "gemini_content" else ("whole", "stream"):
                    if not is_unsaid(dialect, name):
                        yield pytest.param(name, dialect, vendor, mode, id=f"{name}-{dialect}-{vendor}-{mode}")


def is_unsaid(dialect: str, name: str) -> bool:
    """Whether a client's own dialect has no words for it: responses know no stop sequences, Anthropic's messages no JSON mode."""
    return (dialect, name) in {("openai_responses", "stop"), ("anthropic_messages", "json_mode")}


class Outcome(NamedTuple):
    cell: Cell
    error: BaseException | None


def play(installation: Installation, name: str, dialect: str, vendor: str, mode: str) -> Outcome:
    models, function = SCENARIOS[name]
    talk = Talk(installation.base_url, installation.test_key, dialect=DIALECTS[dialect], model=models[vendor], mode=mode)
    cell = Cell(talk, vendor)
    try:
        function(cell)
    except BaseException as error:  # noqa: BLE001  # told by the cell's own test
        return Outcome(cell, error)
    finally:
        talk.close()
    return Outcome(cell, None)


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest, installation: Installation) -> dict[tuple[str, ...], Outcome]:
    """What became of every cell that is to be tested, played at once: one by one they would wait for the book."""
    wanted = [
        tuple(item.callspec.params[name] for name in ("name", "dialect", "vendor", "mode"))
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.originalname == "test_cell"
    ]
    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(lambda key: play(installation, *key), wanted))
    return dict(zip(wanted, outcomes, strict=True))


class Booked(NamedTuple):
    facts: RequestFacts
    outcome: str
    amount_nanos: int


@pytest.fixture(scope="module")
def booked(installation: Installation, played: dict[tuple[str, ...], Outcome]) -> dict[str, Booked]:
    """The book's records by request id."""
    ids = {told.request_id for outcome in played.values() for told in outcome.cell.talk.answers if told.status == 200}
    ends = time.monotonic() + BOOKED_S
    found: dict[str, Booked] = {}
    while not ids <= found.keys() and time.monotonic() < ends:
        time.sleep(0.1)
        with closing(sqlite3.connect(f"file:{installation.data / 'modelgate.db'}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT facts, outcome, amount_nanos FROM request_record").fetchall()
        every = [Booked(msgspec.msgpack.decode(facts, type=RequestFacts), outcome, amount) for facts, outcome, amount in rows]
        found = {one.facts.request_id: one for one in every}
    return found


class SandboxConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("sandbox", timeout=BOOKED_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


@pytest.fixture(scope="module")
def counted(installation: Installation, played: dict[tuple[str, ...], Outcome]) -> dict[str, dict[str, Any]]:
    """What the make-believe vendors counted, by request id; of several attempts the last."""
    del played
    with closing(SandboxConnection(installation.data / "run" / "sandbox.sock")) as connection:
        connection.request("GET", "/sandbox/requests")
        return {entry["request_id"]: entry for entry in json.load(connection.getresponse())["requests"]}


@functools.cache
def rates() -> dict[str, dict[str, Decimal]]:
    """The shipped price list, read apart from the code that charges by it."""
    listed = tomllib.loads((Path(modelgate.metering.__file__).parent / "data" / "prices.toml").read_text())
    return {
        model: {unit: Decimal(rate) for unit, rate in entry["rates"].items()}
        for vendor in listed["vendors"]
        for model, entry in vendor["models"].items()
        if "rates" in entry
    }


def price_of(model: str, usage: Counted, *, written: int, pictures: int) -> int:
    """Return nano-USD."""
    rate = rates()[model]
    plain_in, plain_out = usage.input - usage.cached - written, usage.output - pictures
    total = plain_in * rate["input"] + usage.cached * rate.get("cached", rate["input"]) + written * rate.get("cache_write", rate["input"])
    total += plain_out * rate["output"] + pictures * rate.get("image_output", rate["output"])
    return int((total * 1000).quantize(Decimal(1), ROUND_HALF_UP))  # USD per million are thousands of nanos each


@pytest.mark.parametrize(("name", "dialect", "vendor", "mode"), list(cells()))
def test_cell(
    played: dict[tuple[str, ...], Outcome],
    booked: dict[str, Booked],
    counted: dict[str, dict[str, Any]],
    name: str,
    dialect: str,
    vendor: str,
    mode: str,
) -> None:
    outcome = played[name, dialect, vendor, mode]
    if outcome.error is not None:
        raise outcome.error
    assert outcome.cell.talk.answers
    for told in outcome.cell.talk.answers:
        record = booked.get(told.request_id)
        if record is None or told.status != 200:
            assert told.status != 200
            assert record is None or (record.outcome, record.amount_nanos) == ("released", 0)
            continue
        assert (record.facts.endpoint, record.facts.stream) == (dialect, mode != "whole")
        assert record.facts.upstream == f"up_sandbox_{vendor}" or name == "history_of_another_vendor"
        if told.usage is not None:
            check_counts(told, record, counted[told.request_id])
        elif told.error is None:
            check_estimate(record, refused=name == "usage_that_cannot_be")
        else:  # a stream that broke is charged for what was delivered; Gemini counts as it goes
            is_estimated = vendor != "gemini"
            assert (record.outcome, record.facts.error, record.facts.estimated) == ("captured", "stream_error", is_estimated)
            assert record.amount_nanos > 0


def check_estimate(record: Booked, *, refused: bool) -> None:
    """What was not counted, or not credibly, is counted by our own tokenizer and marked so."""
    assert (record.outcome, record.facts.estimated) == ("captured", True)
    assert ("usage_refused" in record.facts.note) == refused
    assert 5 < record.facts.input_tokens < 40
    assert 20 < record.facts.output_tokens < 55  # 49 by their size, where the tokenizer had no time
    assert record.amount_nanos > 0


def check_counts(told: Told, record: Booked, vendor: dict[str, Any]) -> None:
    """Client, vendor and book count the same, and the charge is the list's price for it."""
    usage, facts = told.usage, record.facts
    assert usage is not None
    assert (record.outcome, facts.estimated, facts.note) == ("captured", False, "")
    assert (
        (usage.input, usage.output) == (vendor["prompt_tokens"], vendor["completion_tokens"]) == (facts.input_tokens, facts.output_tokens)
    )
    assert (usage.cached, usage.reasoning) == (facts.cached_tokens, facts.units.get("reasoning_tokens", 0))
    written = facts.units.get("cache_write_tokens", 0)
    assert usage.written in (written, 0)
    assert record.amount_nanos == price_of(facts.model, usage, written=written, pictures=facts.units.get("output_image_tokens", 0))
