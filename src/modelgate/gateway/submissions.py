"""Media tasks on their way in: allowed, priced, their inputs stored, their money held, and shown to the mover once."""

import asyncio
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import msgspec

from modelgate.core.clock import Clock
from modelgate.core.errors import InvalidRequest, ModelgateError, NoUpstream, Overloaded, TaskNotCancelable
from modelgate.core.ids import new_id
from modelgate.core.providers import MediaOperation, Provider
from modelgate.core.records import ApiKey, Task
from modelgate.formats.media.family import Ask, InputRules
from modelgate.formats.media.fields import shown
from modelgate.formats.media.requests import (
    REQUEST_TYPES,
    Earlier,
    ImageRequest,
    MediaRequest,
    decode_request,
    encode_request,
    said_fields,
)
from modelgate.formats.tasks.schema import ROLES
from modelgate.gateway.configuration import Configuration
from modelgate.gateway.inputs import Inputs
from modelgate.gateway.refusals import RefusalLog
from modelgate.gateway.webhooks import CheckCallback, no_check
from modelgate.identity.keys import check_model
from modelgate.identity.table import KeyTable
from modelgate.metering.media import amount_of
from modelgate.metering.periods import current_period
from modelgate.metering.prices import Price
from modelgate.metering.rates import RateCounters
from modelgate.tasks.recorder import LEASE_S
from modelgate.tasks.store import TaskDesk
from modelgate.telemetry.metrics import Metrics

SUBMIT_WAIT_S = 5.0
"""How long a submit waits for the vendor's first word before it answers all the same; the worker goes on."""
MAX_MOVING = 256
"""Submits that may wait for a vendor at once; further ones are queued and left to the worker."""
DEFAULT_DEADLINE_S = 3600.0
_PLAIN = frozenset((*ROLES, *(name for request in REQUEST_TYPES.values() for name in request.__struct_fields__)))
"""What is no option, though it looks like one with a prefix: `last_frame`, `negative_prompt`."""
CANCEL_TRIES = 20
CANCEL_PAUSE_S = 0.1


class Mover(Protocol):
    """The only one who moves a task on."""

    async def advance(self, task: Task) -> Task:
        """Move a task that is leased to this process by one step and return it as it is then."""
        ...

    async def cancel(self, task: Task) -> Task:
        """End a task that is leased to this process, if its vendor has not begun or can stop; return it as it is then."""
        ...

    async def ask(self, task: Task) -> Task:
        """Return a finished task with what its vendor tells of it only when asked."""
        ...


class MediaDesk(msgspec.Struct, frozen=True, kw_only=True):
    """What every submit asks: who may, at what rate, where to, at what price."""

    keys: KeyTable
    rates: RateCounters
    configuration: Callable[[], Configuration]
    providers: Mapping[str, Provider]
    metrics: Metrics
    clock: Clock
    refusals: RefusalLog = msgspec.field(default_factory=RefusalLog)


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """On what terms a model is to be had: its price, how long its slowest vendor may take, the most results of one task.

    `request` is what is wanted with the vendor's defaults in it, `inputs` are the vendors' own rules for files by role.
    """

    price: Price
    deadline_s: float
    max_n: int
    request: MediaRequest
    inputs: Mapping[str, InputRules] = {}


class Submissions:
    """The way in, for every family."""

    def __init__(
        self,
        desk: MediaDesk,
        *,
        inputs: Inputs,
        store: TaskDesk,
        mover: Mover,
        log_fault: Callable[[BaseException, str], None],
        check_callback: CheckCallback = no_check,
    ) -> None:
        """`log_fault(error, request_id)` hears of a mover's faults; the worker tries those tasks again."""
        self._desk = desk
        self._inputs = inputs
        self._store = store
        self._mover = mover
        self._log_fault = log_fault
        self._check_callback = check_callback
        self._moving: set[asyncio.Task[Task]] = set()

    def terms(self, key: ApiKey, ask: Ask, *, field_names: Mapping[str, str], earlier: Task | None = None) -> Terms:
        """Return the terms for what a caller wants; `field_names` are its dialect's, where they are not the neutral ones.

        `earlier` is the task that it builds on, whose upstream is the only one that may have it.

        Raises:
            ModelNotAllowed, UnknownModel, UnpricedModel, NoUpstream: see `Configuration.offer_to`.
            InvalidRequest: not every upstream of the model can do what is asked, or its callback address may not be called.
        """
        wanted = ask.request
        if ask.callback_url:
            self._check_callback(ask.callback_url, field_names.get("callback_url", "callback_url"))
        check_model(key, wanted.model)
        offer, price = self._desk.configuration().offer_to(key, operation=ask.operation, model=wanted.model)
        routes = [route for route in offer.routes if earlier is None or route.upstream.id == earlier.upstream]
        if not routes:
            raise NoUpstream("The upstream of the earlier task does not serve this model now, and no other can go on with it.")
        served: list[tuple[MediaOperation, str]] = []
        for route in routes:
            provider = self._desk.providers.get(route.upstream.provider)
            operation = provider.operation(ask.operation) if provider is not None else None
            if operation is not None:
                served.append((operation, route.upstream_model or wanted.model))
        operations = [operation for operation, _ in served]
        # A gateway has no rules and defaults of its own, and the price depends on them.
        home = self._desk.configuration().home_of(wanted.model, ask.operation) if any(one.takes_everything for one in operations) else None
        wanted, shorter = _with_prefixes(wanted, [*operations, *([home] if home is not None else [])])
        field_names = {**field_names, **shorter}
        if earlier is not None:
            wanted = _inherited(wanted, earlier, [*operations, *([home] if home is not None else [])], field_names)
        for operation, model in served:
            with _in_words(field_names, ask.written):
                _check(operation, wanted, model)
        for operation, model in served:
            if operation.complete is not None:
                wanted = operation.complete(wanted, model)
        if home is not None and home.complete is not None:
            wanted = home.complete(wanted, wanted.model)
        _check_length(price, ask.operation, wanted, field_names)
        deadline_s = max((one.deadline_s for one in operations), default=DEFAULT_DEADLINE_S)
        inputs = _input_rules([*operations, *([home] if home is not None else [])])
        max_n = min((one.max_n for one in operations), default=1)
        return Terms(price=price, deadline_s=deadline_s, max_n=max_n, request=wanted, inputs=inputs)

    async def draft(
        self,
        key: ApiKey,
        *,
        family: str,
        ask: Ask,
        terms: Terms,
        rules: Mapping[str, InputRules],
        request_id: str,
        pinned: str = "",
    ) -> Task:
        """Return the task for what is asked, its inputs stored. Nothing else is kept yet, and no file stays in memory."""
        task_id = new_id("task")
        narrowed = {role: rule.within(terms.inputs[role]) if role in terms.inputs else rule for role, rule in rules.items()}
        stored = await self._inputs.store(ask.request, rules=narrowed, task_id=task_id)
        now = self._desk.clock()
        return Task(
            id=task_id,
            account=key.account,
            key=key.id,
            book=key.book,
            family=family,
            operation=ask.operation,
            model=stored.model,
            state="queued",
            request=encode_request(stored),
            facts=ask.facts,
            amount_nanos=amount_of(terms.price, ask.operation, stored),
            weight=weight_of(stored),
            request_id=request_id,
            created_at=now,
            updated_at=now,
            due_at=now,
            deadline_at=now + terms.deadline_s,
            parent=stored.parent.task if stored.parent is not None else "",
            pinned=pinned,
            callback_url=ask.callback_url,
        )

    async def take(self, tasks: Sequence[Task], key: ApiKey) -> list[Task]:
        """Queue the tasks of one request, which share its inputs, with their money held, leased to this process: all of them, or none.

        Raises:
            BalanceExhausted, LimitExhausted, Overloaded: see `TaskDesk.insert`; no money is held.
        """
        taken: list[Task] = []
        try:
            for task in tasks:
                period, _ = current_period(key.limit_reset, task.created_at)  # the table's may have ended since the key was looked up
                lease_until = task.created_at + LEASE_S
                taken.append(await self._store.insert(task, period=period, limit_nanos=key.limit_nanos, lease_until=lease_until))
        except ModelgateError:
            for task in taken:
                await self.withdraw(task)
            await self._inputs.discard(decode_request(tasks[0].operation, tasks[0].request).inputs)
            raise
        return taken

    async def move(self, task: Task) -> Task:
        """Let the mover submit the task and return it as it is after that, or after `SUBMIT_WAIT_S` as it was.

        The step itself is never cancelled: a vendor may have taken the job already.
        """
        if len(self._moving) >= MAX_MOVING:
            return await self._store.save(task) or task  # without the lease: whoever has time takes it
        step = asyncio.get_running_loop().create_task(self._mover.advance(task))
        self._moving.add(step)
        step.add_done_callback(self._moved)
        done, _ = await asyncio.wait((step,), timeout=SUBMIT_WAIT_S)
        return step.result() if done and not step.cancelled() and step.exception() is None else task

    async def withdraw(self, task: Task) -> Task | None:
        """End a task that no vendor has been asked for; its money goes back. None: somebody moved it meanwhile, and it stands."""
        now = self._desk.clock()
        ended = msgspec.structs.replace(task, state="canceled", finished_at=now, updated_at=now, due_at=now)
        return await self._store.finish(ended, captured_nanos=0)

    async def cancel(self, task: Task) -> Task:
        """End a task as its caller wishes; return it as it is then.

        Raises:
            TaskNotCancelable: it has ended, or its vendor has begun and cannot stop it: it goes on and is charged if it succeeds.
            Overloaded: somebody moves it at this moment.
        """
        for _ in range(CANCEL_TRIES):
            now = self._desk.clock()
            claimed = await self._store.claim(task.id, now=now, lease_until=now + LEASE_S)
            if claimed is not None:
                task = await self._mover.cancel(claimed)
                if task.state == "canceled":
                    return task
                raise TaskNotCancelable
            await asyncio.sleep(CANCEL_PAUSE_S)
            task = await self._store.get(task.id) or task
            if task.finished_at is not None:
                raise TaskNotCancelable(f"The task has already ended: it is {task.state}.")
        raise Overloaded(retry_after_s=1.0)

    async def ask(self, task: Task) -> Task:
        """Return a finished task with what its vendor tells of it only when asked."""
        return await self._mover.ask(task)

    async def end_dialog(self, task_id: str) -> None:
        """End a task that waited for its caller, who has answered with another: the money held for it goes back."""
        now = self._desk.clock()
        claimed = await self._store.claim(task_id, now=now, lease_until=now + LEASE_S)
        if claimed is not None:  # one that somebody moves at this moment ends at its deadline
            # The vendor goes on with the same job: it must not be asked to stop it, whatever we knew of the dialog.
            await self._mover.cancel(msgspec.structs.replace(claimed, state="waiting_input"))

    async def drain(self, timeout_s: float) -> None:
        """Wait for submits that are at a vendor; what is not done by then is found again by the next process."""
        if self._moving:
            await asyncio.wait(self._moving, timeout=timeout_s)

    def _moved(self, step: "asyncio.Task[Task]") -> None:
        self._moving.discard(step)
        if not step.cancelled() and (error := step.exception()) is not None:
            self._log_fault(error, "")


def _input_rules(operations: Sequence[MediaOperation]) -> dict[str, InputRules]:
    """Return the rules for files that hold at every vendor that may get them."""
    found: dict[str, InputRules] = {}
    for operation in operations:
        for role, rules in operation.inputs.items():
            found[role] = found[role].within(rules) if role in found else rules
    return found


def _check_length(price: Price, operation: str, wanted: MediaRequest, field_names: Mapping[str, str]) -> None:
    """Raise InvalidRequest for work without a length, said or usual, whose price is by the second: it would be free."""
    if isinstance(wanted, ImageRequest) or wanted.seconds:
        return
    if amount_of(price, operation, msgspec.structs.replace(wanted, seconds=1)) > amount_of(price, operation, wanted):
        name = field_names.get("seconds", "seconds")
        raise InvalidRequest(f"'{name}' is required: this model is paid by the second.", param=name, code="missing_required_parameter")


def weight_of(request: MediaRequest) -> int:
    """Return how many of an upstream's concurrent places a request takes: vendors count results."""
    return request.n


def _with_prefixes(wanted: MediaRequest, operations: Sequence[MediaOperation]) -> tuple[MediaRequest, dict[str, str]]:
    """Return what is wanted with options as they are called here, and of those what the caller called them.

    Callers of the vendor's own API, and of other gateways, leave out its name: `cfg_scale` is `kling_cfg_scale`.
    """
    takes = {field for operation in operations for field in operation.takes} - _PLAIN
    called: dict[str, str] = {}
    for name in wanted.options:
        found = [field for field in takes if field.partition("_")[2] == name]
        if name not in takes and len(found) == 1 and found[0] not in wanted.options:
            called[found[0]] = name
    if not called:
        return wanted, called
    names = {name: full for full, name in called.items()}
    options = {names.get(name, name): value for name, value in wanted.options.items()}
    return msgspec.structs.replace(wanted, options=options), called


def _check(operation: MediaOperation, wanted: MediaRequest, model: str) -> None:
    """Raise InvalidRequest for what an operation at its vendor does not take."""
    for field in () if operation.takes_everything else said_fields(wanted):
        if field not in operation.takes:
            raise InvalidRequest(f"'{field}' is not understood by this model.", param=field, code="unsupported_parameter")
    if operation.check is not None:
        operation.check(wanted, model)


def _inherited(wanted: MediaRequest, task: Task, operations: Sequence[MediaOperation], field_names: Mapping[str, str]) -> MediaRequest:
    """Return what is wanted with what the task that it builds on decides. Raises InvalidRequest for what contradicts that."""
    named = wanted.parent.output if wanted.parent is not None else ""
    meant = [output for output in task.outputs if output.vendor_id and named in ("", output.vendor_id)]
    earlier = Earlier(model=task.model, request=decode_request(task.operation, task.request), output=meant[0] if len(meant) == 1 else None)
    for operation in operations:
        if operation.inherit is not None:
            with _in_words(field_names):
                wanted = operation.inherit(wanted, earlier)
    return wanted


@contextmanager
def _in_words(field_names: Mapping[str, str], written: Mapping[str, str] | None = None) -> Generator[None]:
    """Say what a vendor's rules refuse in the caller's words: the field's name, and what it holds where that was `written` otherwise."""
    try:
        yield
    except InvalidRequest as error:
        field = error.param or ""
        name, value = field_names.get(field, field), (written or {}).get(field, "")
        if name == field and not value:
            raise
        message = error.message
        if value:
            message = re.sub(rf'\b{re.escape(field)} is "[^"]*"', lambda _: f"{field} is {shown(value)}", message, count=1)
        message = re.sub(rf"\b{re.escape(field)}\b", lambda _: name, message, count=1)
        raise InvalidRequest(message, param=name, code=error.code) from None
