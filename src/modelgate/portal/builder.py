"""Pages out of endpoint declarations, guides and the handbook."""

from collections.abc import Iterable, Sequence
from itertools import chain

import msgspec

from modelgate.core.endpoints import Case, Endpoint
from modelgate.portal import markdown
from modelgate.portal.examples import answer_of, example_of, follow_of
from modelgate.portal.fields import FieldReader
from modelgate.portal.navigation import Branch, Leaf, Place, places_of
from modelgate.portal.openapi import MEMBER_FAMILIES, PATH_PARAMETER
from modelgate.portal.pages import (
    Answer,
    Body,
    EndpointPart,
    Field,
    KeyKind,
    Link,
    More,
    NavigationItem,
    Page,
    Parameters,
    Samples,
)
from modelgate.portal.path_parameters import describe_path_parameter
from modelgate.portal.refusals import refusals_by_status
from modelgate.portal.texts import Texts

LANGUAGE = "python"


class PageBuilder:
    """Makes the pages of a filled tree."""

    def __init__(self, tree: Sequence[Branch | Leaf], endpoints: Iterable[Endpoint], texts: Texts) -> None:
        self._tree = tree
        self._places = tuple(places_of(tree))
        self._endpoints = {endpoint.name: endpoint for endpoint in endpoints}
        self._texts = texts
        kinds = (kind for one in self._endpoints.values() for kind in (one.request, one.response, one.query, one.headers))
        self._reader = FieldReader(kind for kind in kinds if kind is not None)
        self._with_page: dict[str, list[str]] = {}  # endpoint -> cases
        for place in self._places:
            if place.leaf.kind == "endpoint":
                self._with_page.setdefault(place.leaf.endpoint, []).append(place.leaf.case)

    def pages(self) -> tuple[Page, ...]:
        """Return every page in order, each knowing its neighbours."""
        links = [None, *(Link(slug=place.slug, title=place.leaf.title) for place in self._places), None]
        return tuple(
            msgspec.structs.replace(self._page(place), previous=links[number], next=links[number + 2])
            for number, place in enumerate(self._places)
        )

    def navigation(self) -> tuple[NavigationItem, ...]:
        """Return the tree as the site shows it."""
        places = iter(self._places)

        def items(nodes: Sequence[object]) -> tuple[NavigationItem, ...]:
            made: list[NavigationItem] = []
            for node in nodes:
                if isinstance(node, Leaf):
                    method = self._endpoints[node.endpoint].method if node.kind == "endpoint" else None
                    made.append(NavigationItem(title=node.title, slug=next(places).slug, method=method))
                elif isinstance(node, Branch):
                    made.append(NavigationItem(title=node.title, children=items(node.children)))
            return tuple(made)

        return items(self._tree)

    def _page(self, place: Place) -> Page:
        leaf = place.leaf
        guide = self._texts.guide(place.slug)
        prose = guide.text if guide is not None else ""
        page = Page(slug=place.slug, title=leaf.title, section=place.section, kind=leaf.kind, summary="", prose=prose)
        if guide is not None and guide.samples:
            page = msgspec.structs.replace(page, samples=Samples(language=LANGUAGE, files=guide.samples))
        if leaf.endpoint:
            return self._with_endpoint(page, leaf)
        if leaf.file:
            page = msgspec.structs.replace(page, prose=self._texts.handbook(leaf.file))
        return msgspec.structs.replace(page, summary=markdown.first_paragraph(page.prose))

    def _with_endpoint(self, page: Page, leaf: Leaf) -> Page:
        endpoint = self._endpoints[leaf.endpoint]
        case = next(case for case in endpoint.cases if case.name == leaf.case)
        if leaf.kind == "object":
            words = (endpoint.response.__doc__ or "").strip().partition("\n")[0]
            answer = self._answer(endpoint, case)
            return msgspec.structs.replace(page, summary=words, prose=_joined(words, page.prose), object=answer)
        prose = _joined(case.prose, endpoint.description, page.prose)
        which = f": {case.title}" if len(self._with_page[endpoint.name]) > 1 else ""
        return msgspec.structs.replace(page, summary=f"{endpoint.summary}{which}.", prose=prose, endpoint=self._part(endpoint, case))

    def _part(self, endpoint: Endpoint, case: Case) -> EndpointPart:
        recorded = self._texts.answer(endpoint.name, case.name)
        return EndpointPart(
            method=endpoint.method,
            path=endpoint.path,
            name=endpoint.name,
            family=endpoint.family,
            needs_key=endpoint.needs_key,
            key_kind=key_kind_of(endpoint),
            price_unit=endpoint.price_unit,
            parameters=Parameters(
                path=tuple(_path_field(endpoint, name, case) for name in PATH_PARAMETER.findall(endpoint.path)),
                query=self._fields(endpoint.query),
                header=self._fields(endpoint.headers),
            ),
            request=Body(content_type=endpoint.request_type, fields=self._fields(endpoint.request))
            if endpoint.request is not None
            else None,
            example=example_of(endpoint, case, recorded),
            response=self._answer(endpoint, case),
            errors=tuple(chain.from_iterable(refusals_by_status(endpoint).values())),
            follow=follow_of(endpoint),
            more=tuple(self._more(endpoint, other) for other in self._others(endpoint, case)),
        )

    def _others(self, endpoint: Endpoint, case: Case) -> list[Case]:
        """Return the cases without a page of their own, which the endpoint's first page shows too."""
        shown = self._with_page[endpoint.name]
        return [other for other in endpoint.cases if other.name not in shown] if case.name == shown[0] else []

    def _more(self, endpoint: Endpoint, case: Case) -> More:
        recorded = self._texts.answer(endpoint.name, case.name)
        answer = answer_of(endpoint, case, recorded)
        return More(title=case.title, prose=case.prose, example=example_of(endpoint, case, recorded), answer=answer)

    def _answer(self, endpoint: Endpoint, case: Case) -> Answer:
        answer = answer_of(endpoint, case, self._texts.answer(endpoint.name, case.name))
        return msgspec.structs.replace(answer, fields=self._fields(endpoint.response))

    def _fields(self, kind: object) -> tuple[Field, ...]:
        return self._reader.fields_of(kind) if kind is not None else ()


def _path_field(endpoint: Endpoint, name: str, case: Case) -> Field:
    words = describe_path_parameter(endpoint.path, name)
    return Field(name=name, type="string", required=True, description=words, example=case.path_values.get(name))


def key_kind_of(endpoint: Endpoint) -> KeyKind:
    """Return what a call of the endpoint is signed with."""
    if not endpoint.needs_key:
        return ""
    return "access_key" if endpoint.family in MEMBER_FAMILIES else "key"


def _joined(*texts: str) -> str:
    return "\n\n".join(text.strip() for text in texts if text.strip())
