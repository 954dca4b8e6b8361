"""Redemption codes: credit for whoever brings the code, once. The code is shown when it is made and kept as a digest."""

from collections.abc import Sequence
from hashlib import sha256
from secrets import choice
from typing import Annotated, Final, Literal, Protocol

from msgspec import Meta, Struct
from msgspec.structs import asdict

from modelgate.control.accounts import MAX_CREDIT_NANOS, MAX_NOTE_LENGTH
from modelgate.control.actions import Action, Call
from modelgate.control.declared import declared
from modelgate.control.errors import CALLER_ERRORS, CHANGE_ERRORS, Conflict, NoSuchObject, refused
from modelgate.control.lists import DEFAULT_ROWS, After, BookName, Limit, Next, page_of
from modelgate.core.endpoints import Case
from modelgate.core.errors import ModelgateError, RateExceeded
from modelgate.core.ids import new_id
from modelgate.core.listings import RedemptionCode
from modelgate.identity.key_bounds import MAX_EXPIRY_AT

MAX_CODES: Final = 100
MAX_CODE_LENGTH: Final = 100
PREFIX: Final = "MG"
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: without the letters that look like digits, five bits each."""
GROUPS: Final = 5
GROUP_LENGTH: Final = 4
HINT_LENGTH: Final = 4

RedeemOutcome = Literal["unknown", "redeemed", "expired", "withdrawn", "too_large"]
WithdrawOutcome = Literal["withdrawn", "unknown", "redeemed"]
CodeState = Literal["open", "redeemed", "expired", "withdrawn"]

_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})


class RedemptionStore(Protocol):
    """Codes. Each method is one transaction."""

    async def add(self, codes: Sequence[RedemptionCode], digests: Sequence[str]) -> None: ...

    async def list_of(self, *, limit: int, after: str) -> list[RedemptionCode]:
        """Return codes, newest first, behind the code of id `after`."""
        ...

    async def redeem(self, digest: str, *, account: str, member: str, now: float) -> RedemptionCode | RedeemOutcome:
        """Mark a code and book its credit, in one transaction, once; or say why not."""
        ...

    async def withdraw(self, code_id: str, *, now: float) -> WithdrawOutcome: ...


class UnknownCode(ModelgateError):
    """No such redemption code."""

    status = 404
    type = "invalid_request_error"
    code = "unknown_code"
    retryable = False
    text = "This code is not known here. Check for a missing character."


class CodeSpent(Conflict):
    """The code was good once."""

    code = "code_spent"
    text = "This code was redeemed before."


class CodeBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Codes to make, all alike."""

    amount_nanos: Annotated[
        Annotated[int, Meta(ge=1, le=MAX_CREDIT_NANOS)],
        Meta(description="What each is worth, nano-USD.", examples=[10_000_000_000]),
    ]
    book: BookName = "live"
    count: Annotated[Annotated[int, Meta(ge=1, le=MAX_CODES)], Meta(description="How many.")] = 1
    expires_at: Annotated[float | None, Meta(description="Until when they can be redeemed, seconds since the epoch; null is for ever.")] = (
        None
    )
    note: Annotated[Annotated[str, Meta(max_length=MAX_NOTE_LENGTH)], Meta(description="Kept with them and in the ledger.")] = ""


class CodeObject(Struct, frozen=True, kw_only=True):
    """A redemption code, without the code itself."""

    id: Annotated[str, Meta(description="Id of the code.")]
    hint: Annotated[str, Meta(description="Its end, to tell codes apart.")]
    book: BookName
    amount_nanos: Annotated[int, Meta(description="What it is worth, nano-USD.")]
    note: Annotated[str, Meta(description="What was written beside it.")]
    created_at: Annotated[float, Meta(description="When it was made, seconds since the epoch.")]
    created_by: Annotated[str, Meta(description="Id of the member who made it.")]
    expires_at: Annotated[float | None, Meta(description="Until when it can be redeemed; null is for ever.")]
    redeemed_at: Annotated[float | None, Meta(description="When it was redeemed; null: not yet.")]
    redeemed_by: Annotated[str | None, Meta(description="Id of the member who redeemed it.")]
    account: Annotated[str | None, Meta(description="Id of the account that got the money.")]
    state: Annotated[CodeState, Meta(description="Whether it can be redeemed, and if not, why.")]
    object: Annotated[Literal["redemption_code"], Meta(description="Always `redemption_code`.")] = "redemption_code"


class FreshCode(CodeObject, frozen=True, kw_only=True):
    """A code that was just made."""

    code: Annotated[str, Meta(description="What its holder brings. It is shown only now and kept nowhere.")]


class FreshCodes(Struct, frozen=True, kw_only=True):
    """Codes that were just made."""

    data: Annotated[list[FreshCode], Meta(description="The codes.")]
    object: Annotated[Literal["list"], Meta(description="Always `list`.")] = "list"


class CodeList(Struct, frozen=True, kw_only=True):
    """Codes, newest first."""

    data: Annotated[list[CodeObject], Meta(description="The codes.")]
    next: Next = None
    object: Annotated[Literal["list"], Meta(description="Always `list`.")] = "list"


class CodeQuery(Struct, frozen=True, kw_only=True):
    """Which codes."""

    limit: Limit = DEFAULT_ROWS
    after: After = ""


class RedeemBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A code to redeem."""

    code: Annotated[
        Annotated[str, Meta(min_length=1, max_length=MAX_CODE_LENGTH)],
        Meta(description="The code; case and dashes do not matter.", examples=["MG-7K2M-9QXW-4TRB-P6ZD-H8JN"]),
    ]


class Redeemed(Struct, frozen=True, kw_only=True):
    """What a code gave."""

    account: Annotated[str, Meta(description="Id of the account that got the money.")]
    book: BookName
    amount_nanos: Annotated[int, Meta(description="How much, nano-USD.")]
    object: Annotated[Literal["redemption"], Meta(description="Always `redemption`.")] = "redemption"


class Attempts(Protocol):
    """Counts codes that are not known, by the member's id."""

    def take_redemption(self, member: str) -> None:
        """Count one. Raises RateExceeded."""
        ...

    def give_back_redemption(self, member: str) -> None:
        """Uncount one that was known."""
        ...


def redemption_actions(store: RedemptionStore, *, attempts: Attempts) -> tuple[Action, ...]:
    """Return the actions."""
    codes = _Codes(store, attempts)
    return (
        Action(endpoint=REDEEM, handle=codes.redeem, permission="use"),
        Action(endpoint=LIST_CODES, handle=codes.list_them, permission="configure"),
        Action(endpoint=CREATE_CODES, handle=codes.create, permission="configure", status=201),
        Action(endpoint=WITHDRAW_CODE, handle=codes.withdraw, permission="configure"),
    )


class _Codes:
    def __init__(self, store: RedemptionStore, attempts: Attempts) -> None:
        self._store = store
        self._attempts = attempts

    async def create(self, call: Call) -> FreshCodes:
        body: CodeBody = call.body
        if body.expires_at is not None and not call.now < body.expires_at <= MAX_EXPIRY_AT:
            raise refused("expires_at", "it is not in the future")
        made = [_new(body, member=call.member.id, now=call.now) for _ in range(body.count)]
        await self._store.add([code for code, _ in made], [digest_of_code(text) for _, text in made])
        return FreshCodes(data=[FreshCode(**asdict(_shown(code, now=call.now)), code=text) for code, text in made])

    async def list_them(self, call: Call) -> CodeList:
        query: CodeQuery = call.query
        shown, more = page_of(await self._store.list_of(limit=query.limit + 1, after=query.after), query.limit)
        return CodeList(data=[_shown(code, now=call.now) for code in shown], next=shown[-1].id if more else None)

    async def withdraw(self, call: Call) -> None:
        outcome = await self._store.withdraw(call.values["code"], now=call.now)
        if outcome == "unknown":
            raise NoSuchObject
        if outcome == "redeemed":
            raise CodeSpent

    async def redeem(self, call: Call) -> Redeemed:
        self._attempts.take_redemption(call.member.id)
        body: RedeemBody = call.body
        account = call.account()
        outcome = await self._store.redeem(digest_of_code(body.code), account=account, member=call.member.id, now=call.now)
        if outcome == "unknown":
            raise UnknownCode(param="code")
        self._attempts.give_back_redemption(call.member.id)
        if isinstance(outcome, RedemptionCode):
            return Redeemed(account=account, book=outcome.book, amount_nanos=outcome.amount_nanos)
        if outcome == "too_large":
            raise Conflict("The balance would be larger than can be counted.")
        raise CodeSpent(_WHY_SPENT[outcome])


_WHY_SPENT = {"redeemed": CodeSpent.text, "expired": "This code has expired.", "withdrawn": "This code was withdrawn."}


def new_code() -> str:
    """Return a fresh code of 100 random bits, such as `MG-7K2M-9QXW-4TRB-P6ZD-H8JN`."""
    return "-".join((PREFIX, *("".join(choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))))


def digest_of_code(text: str) -> str:
    """Return the SHA-256, hex, of a code however it was typed: case, spaces, dashes and letters that look like digits do not matter."""
    typed = "".join(character for character in text.upper() if character.isascii() and character.isalnum())
    return sha256(typed.translate(_LOOKALIKES).encode()).hexdigest()


def _new(body: CodeBody, *, member: str, now: float) -> tuple[RedemptionCode, str]:
    text = new_code()
    code = RedemptionCode(
        id=new_id("code"),
        hint=f"…{text[-HINT_LENGTH:]}",
        book=body.book,
        amount_nanos=body.amount_nanos,
        note=body.note,
        created_at=now,
        created_by=member,
        expires_at=body.expires_at,
    )
    return code, text


def _shown(code: RedemptionCode, *, now: float) -> CodeObject:
    return CodeObject(
        id=code.id,
        hint=code.hint,
        book=code.book,
        amount_nanos=code.amount_nanos,
        note=code.note,
        created_at=code.created_at,
        created_by=code.created_by,
        expires_at=code.expires_at,
        redeemed_at=code.redeemed_at,
        redeemed_by=code.redeemed_by or None,
        account=code.account or None,
        state=_state_of(code, now=now),
    )


def _state_of(code: RedemptionCode, *, now: float) -> CodeState:
    if code.redeemed_at is not None:
        return "redeemed"
    if code.withdrawn_at is not None:
        return "withdrawn"
    return "expired" if code.expires_at is not None and code.expires_at <= now else "open"


_ID = "code_2sYhP7bQw9TnZcXv4LkR8M"
_CODE = {
    "object": "redemption_code",
    "id": _ID,
    "hint": "…H8JN",
    "book": "live",
    "amount_nanos": 10_000_000_000,
    "note": "spring fair",
    "created_at": 1763884920.5,
    "created_by": "mem_6tRbXw2QnYk9PzLs4VcM8H",
    "expires_at": None,
    "redeemed_at": None,
    "redeemed_by": None,
    "account": None,
    "state": "open",
}
REDEEM = declared(
    "POST",
    "/api/redeem",
    "redeem_code",
    summary="Redeem a code",
    description=(
        "Credits your account with what the code is worth, once: of two who bring it at the same moment one gets it. Ten codes that are "
        "not known may be tried in ten minutes."
    ),
    request=RedeemBody,
    response=Redeemed,
    errors=(*CHANGE_ERRORS, UnknownCode, CodeSpent, Conflict, RateExceeded),
    cases=(
        Case(
            name="redeem",
            title="Redeem a code",
            prose="10 US dollars for the live book.",
            request={"code": "MG-7K2M-9QXW-4TRB-P6ZD-H8JN"},
            response={"object": "redemption", "account": "acct_8hTn4JrKc2pWd6vBqSyM1L", "book": "live", "amount_nanos": 10_000_000_000},
        ),
    ),
)
LIST_CODES = declared(
    "GET",
    "/api/redemption-codes",
    "list_redemption_codes",
    family="admin",
    summary="List redemption codes",
    description="All codes, newest first, with who redeemed them. The codes themselves were shown when they were made.",
    query=CodeQuery,
    response=CodeList,
    errors=CALLER_ERRORS,
    cases=(Case(name="codes", title="All codes", prose="One is open.", response={"object": "list", "data": [_CODE], "next": None}),),
)
CREATE_CODES = declared(
    "POST",
    "/api/redemption-codes",
    "create_redemption_codes",
    family="admin",
    summary="Make redemption codes",
    description=f"Makes up to {MAX_CODES} codes of the same worth and answers with them, this once. Of a code only a digest is kept.",
    request=CodeBody,
    response=FreshCodes,
    errors=CHANGE_ERRORS,
    cases=(
        Case(
            name="one",
            title="A code for 10 US dollars",
            prose="Hand it on; whoever brings it first gets the credit.",
            request={"amount_nanos": 10_000_000_000, "note": "spring fair"},
            response={"object": "list", "data": [{**_CODE, "code": "MG-7K2M-9QXW-4TRB-P6ZD-H8JN"}]},
            status=201,
        ),
    ),
)
WITHDRAW_CODE = declared(
    "DELETE",
    "/api/redemption-codes/{code}",
    "withdraw_redemption_code",
    family="admin",
    summary="Withdraw a redemption code",
    description="The code can be redeemed no more. One that was redeemed already stays so, and is refused with 409.",
    errors=(*CHANGE_ERRORS, NoSuchObject, CodeSpent),
    cases=(Case(name="withdraw", title="Withdraw it", prose="The answer is empty.", status=204, path_values={"code": _ID}),),
)
