"""What the account API reaches beyond its own database: the configuration, tasks under way, files, upstreams."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, NoReturn

from modelgate.app.following import ConfigurationFollower
from modelgate.app.proxies import proxy_for
from modelgate.app.settings import Settings
from modelgate.app.upstream_probe import probe_upstream
from modelgate.core.providers import Provider, operation_of
from modelgate.core.records import Task, Upstream
from modelgate.core.upstreams import Verdict
from modelgate.formats.openai_videos.family import VIDEOS_PATH
from modelgate.gateway.configuration import Configuration
from modelgate.gateway.images_door import IMAGES_PATH
from modelgate.gateway.paths import paths_of
from modelgate.transport.client import Transport

YESCALE_PREFIX = "/yescale/"
PREFIXES = ("/api/", YESCALE_PREFIX)
"""Where the account API answers."""
MAX_BODY_BYTES = 1024 * 1024
TASKS_PATH = "/v1/tasks"
_MEDIA_PATHS = {"image": (IMAGES_PATH,), "video": (VIDEOS_PATH,)}


class Reach(NamedTuple):
    """Everything is handed in, so that the declarations can be had without a server."""

    configuration: Callable[[], Awaitable[Configuration]]
    """Returns the configuration of now, what changed a moment ago included."""
    cancel: Callable[[Task], Awaitable[Task]]
    """See `gateway.submissions.Submissions.cancel`."""
    urls_of: Callable[[Task], list[str]]
    """See `gateway.files.FileLinks.urls_of`."""
    probe: Callable[[Upstream], Awaitable[tuple[Verdict, ...]]]
    """Calls an upstream with each of its keys."""
    providers: Mapping[str, Provider]

    @property
    def operations(self) -> tuple[str, ...]:
        """Everything that a model can be asked for."""
        said = {operation_of(name) for provider in self.providers.values() for name in provider.formats}
        return tuple(sorted(said.union(*(provider.media for provider in self.providers.values()))))

    def paths_of(self, operation: str) -> tuple[str, ...]:
        """Return where an operation is asked for: at relays, or as a task, plainly or as OpenAI's clients do."""
        if not any(operation in provider.media for provider in self.providers.values()):
            return paths_of(operation)
        return (TASKS_PATH, *_MEDIA_PATHS.get(operation, ()))


def reach_of(
    settings: Settings,
    follower: ConfigurationFollower,
    *,
    transport: Transport,
    providers: Mapping[str, Provider],
    cancel: Callable[[Task], Awaitable[Task]],
    urls_of: Callable[[Task], list[str]],
) -> Reach:
    """Return the reach of a desk."""

    async def configuration() -> Configuration:
        await follower.follow()
        return follower.current()

    async def probe(upstream: Upstream) -> tuple[Verdict, ...]:
        proxy = proxy_for(settings, upstream.base_url)
        return await probe_upstream(transport, upstream, providers[upstream.provider], proxy=proxy, ca_file=settings.ca_file)

    return Reach(configuration=configuration, cancel=cancel, urls_of=urls_of, probe=probe, providers=providers)


def _nowhere(*_: object) -> NoReturn:
    raise RuntimeError("the account API was made for its declarations alone")


NOWHERE = Reach(configuration=_nowhere, cancel=_nowhere, urls_of=_nowhere, probe=_nowhere, providers={})
"""For declarations alone."""
