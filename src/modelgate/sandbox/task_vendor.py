"""What makes a file or package of this folder a make-believe vendor of tasks, and how they are found."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec
from starlette.routing import Route

import modelgate.sandbox
from modelgate.core.clock import Clock
from modelgate.sandbox.count import Counter
from modelgate.sandbox.job_memory import JobMemory


class Opened(Protocol):
    """A make-believe vendor at work."""

    def routes(self) -> list[Route]: ...


class TaskVendor(msgspec.Struct, frozen=True, kw_only=True):
    """A make-believe vendor as its place here declares it, by the name of `VENDOR`.

    `name` is that of its place and of its provider, `key` what it takes as one, `job` what it keeps of a job, and
    opened(counter=…, clock=…, recalled=…, remember=…) -> Opened; with `takes_shown_url` it gets `shown_url=` too.
    """

    name: str
    key: str
    opened: Callable[..., Opened]
    job: type[msgspec.Struct]
    takes_shown_url: bool = False

    def open(self, *, counter: Counter, clock: Clock, folder: Path | None, shown_url: str) -> Opened:
        """Return it at work. Its jobs are kept in `folder`; without one they die with the process. Raises OSError."""
        more = {"shown_url": shown_url} if self.takes_shown_url else {}
        if folder is None:
            return self.opened(counter=counter, clock=clock, **more)
        memory = JobMemory(folder, self.name, self.job)
        return self.opened(counter=counter, clock=clock, recalled=memory.recall(), remember=memory.remember, **more)


def load_task_vendors() -> Iterator[TaskVendor]:
    """Yield every make-believe vendor of tasks.

    Raises:
        TypeError: a `VENDOR` that is none, or has another name than its place.
    """
    for module_info in pkgutil.iter_modules(modelgate.sandbox.__path__):
        vendor = getattr(importlib.import_module(f"{modelgate.sandbox.__name__}.{module_info.name}"), "VENDOR", None)
        if vendor is None:
            continue
        if not isinstance(vendor, TaskVendor) or vendor.name != module_info.name:
            raise TypeError(f"sandbox/{module_info.name} must hold VENDOR, a TaskVendor named {module_info.name!r}")
        yield vendor
