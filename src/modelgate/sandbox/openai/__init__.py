"""The make-believe OpenAI: all its endpoints, at `/v1`, `/openai/v1` and as Azure has them below `/azure/openai`."""

from starlette.routing import Route

from modelgate.core.clock import Clock
from modelgate.sandbox.count import Counter
from modelgate.sandbox.openai.answers import Answerer
from modelgate.sandbox.openai.azure import azure_routes
from modelgate.sandbox.openai.chat import Chat
from modelgate.sandbox.openai.completions import Completions
from modelgate.sandbox.openai.embeddings import Embeddings
from modelgate.sandbox.openai.gate import Gate
from modelgate.sandbox.openai.models import model_operations
from modelgate.sandbox.openai.moderations import moderation_operations
from modelgate.sandbox.openai.picture_files import PictureFiles
from modelgate.sandbox.openai.pictures import Pictures
from modelgate.sandbox.openai.responses import Responses
from modelgate.sandbox.openai.speech import Speech
from modelgate.sandbox.openai.transcriptions import Transcriptions
from modelgate.sandbox.tokens import Tokenizer

PREFIXES = ("/v1", "/openai/v1")


class OpenaiSandbox:
    """The vendor's endpoints; counts what it is asked in `counter`."""

    def __init__(self, *, tokenizer: Tokenizer, counter: Counter, clock: Clock, shown_url: str = "") -> None:
        self._counter = counter
        self._gate = Gate(counter)
        self._files = PictureFiles(clock=clock, shown_url=shown_url)
        answerer = Answerer(tokenizer)
        self._operations = (
            *Chat(tokenizer=tokenizer, answerer=answerer, clock=clock).operations(),
            *Responses(tokenizer=tokenizer, answerer=answerer, clock=clock).operations(),
            *Completions(tokenizer=tokenizer, clock=clock).operations(),
            *Embeddings(tokenizer=tokenizer).operations(),
            *Pictures(tokenizer=tokenizer, clock=clock, files=self._files).operations(),
            *Speech(tokenizer=tokenizer).operations(),
            *Transcriptions(tokenizer=tokenizer).operations(),
            *moderation_operations(),
            *model_operations(),
        )

    def routes(self) -> list[Route]:
        """Return the routes, for all places, and of the pictures' files."""
        return [
            *self._files.routes(),
            *(route for prefix in PREFIXES for route in self._gate.routes(self._operations, prefix=prefix)),
            *azure_routes(self._operations, counter=self._counter),
        ]
