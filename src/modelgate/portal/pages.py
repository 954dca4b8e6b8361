"""A page of the documentation as data: what the site renders, and what Markdown and the search index are made of."""

from typing import Literal

import msgspec

from modelgate.core.records import Json

Kind = Literal["endpoint", "object", "models", "prose"]
"""`endpoint`: one way to use one. `object`: the shape of an answer. `models`: what this instance serves, by /docs/data/models.json."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Another page."""

    slug: str
    title: str


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter or one field of a body. `type` is in words; `children` are the fields within, of a union each of its shapes."""

    name: str
    type: str
    required: bool = False
    nullable: bool = False
    description: str = ""
    default: Json = None
    enum: tuple[Json, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    example: Json = None
    children: tuple["Field", ...] = ()


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says outside of its body."""

    path: tuple[Field, ...] = ()
    query: tuple[Field, ...] = ()
    header: tuple[Field, ...] = ()


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """The body of requests."""

    content_type: str
    fields: tuple[Field, ...]


class PartFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file in a form."""

    filename: str
    content_type: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a form: a value or a file."""

    name: str
    value: str | None = None
    file: PartFile | None = None


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A request that can be sent as it stands, but for the key. One of `body` and `parts` at most; `stream`: the answer comes in pieces."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = ""
    body: Json = None
    parts: tuple[Part, ...] | None = None
    stream: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer: its fields, and an example as JSON or, of streams and files, as text."""

    status: int
    content_type: str
    fields: tuple[Field, ...] = ()
    example: Json = None
    text: str | None = None


class ErrorRow(msgspec.Struct, frozen=True, kw_only=True):
    """What can go wrong."""

    status: int
    code: str
    message: str


class More(msgspec.Struct, frozen=True, kw_only=True):
    """A further way to use the endpoint that has no page of its own, mistakes among them."""

    title: str
    prose: str
    example: Example
    answer: Answer


class Follow(msgspec.Struct, frozen=True, kw_only=True):
    """The answer begins a task: where in it the id stands, as a JSON pointer."""

    task_id_pointer: str


KeyKind = Literal["key", "access_key", ""]
"""What a call is signed with: a key for models, a member's access key (or the console's session), nothing."""


class EndpointPart(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint, used in one way."""

    method: str
    path: str
    name: str
    family: str
    needs_key: bool
    key_kind: KeyKind
    price_unit: str
    parameters: Parameters
    request: Body | None
    example: Example
    response: Answer
    errors: tuple[ErrorRow, ...]
    follow: Follow | None = None
    more: tuple[More, ...] = ()


class SampleFile(msgspec.Struct, frozen=True, kw_only=True):
    """A program of its own; the tests run it."""

    title: str
    name: str
    code: str


class Samples(msgspec.Struct, frozen=True, kw_only=True):
    """The programs of a page."""

    language: str
    files: tuple[SampleFile, ...]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page. `section` are the titles above it, `prose` is Markdown; `endpoint` is there by `kind`, and so is `object`."""

    slug: str
    title: str
    section: tuple[str, ...]
    kind: Kind
    summary: str
    prose: str
    previous: Link | None = None
    next: Link | None = None
    endpoint: EndpointPart | None = None
    object: Answer | None = None
    samples: Samples | None = None


class NavigationItem(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the navigation: a page, or a section with children. `method` is that of an endpoint's page."""

    title: str
    slug: str | None = None
    method: str | None = None
    children: tuple["NavigationItem", ...] = ()


class SiteData(msgspec.Struct, frozen=True, kw_only=True):
    """What the site needs before any page."""

    title: str
    version: str
    base_url: str
    navigation: tuple[NavigationItem, ...]
    languages: tuple[str, ...]


class SearchEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One page in the search index. `headings` are (anchor, title)."""

    slug: str
    title: str
    section: tuple[str, ...]
    headings: tuple[tuple[str, str], ...]
    text: str


class ListedPrice(msgspec.Struct, frozen=True, kw_only=True):
    """A list price: `rates` in USD by unit (`ListedModels.units` says for how many of it), `listed` the month it was entered."""

    rates: dict[str, str]
    free: bool = False
    source: str = ""
    listed: str = ""


class ListedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that this instance serves in `books`: live, test, or both. `price` None: nobody has priced it."""

    id: str
    operations: tuple[str, ...]
    books: tuple[str, ...]
    vendor: str
    price: ListedPrice | None


class ListedModels(msgspec.Struct, frozen=True, kw_only=True):
    """The models of this instance."""

    units: dict[str, int]
    data: tuple[ListedModel, ...]
