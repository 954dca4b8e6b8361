"""How the documentation hangs together: sections, pages, their addresses, and pages for every endpoint that nobody placed."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from modelgate.core.endpoints import Endpoint
from modelgate.portal.pages import Kind

_NO_WORD = re.compile(r"[^a-z0-9]+")


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """A page: of an endpoint it shows a case, of an `object` that case's answer; `file` is one of the handbook; else it is the guide of
    its slug. The slug comes from the titles, unless it is given."""

    title: str
    kind: Kind = "prose"
    endpoint: str = ""
    case: str = ""
    file: str = ""
    slug: str = ""


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    """Stands for a page for each endpoint of these families that no leaf shows; without families: of all, each family a section."""

    families: tuple[str, ...] = ()


class Branch(msgspec.Struct, frozen=True, kw_only=True):
    """A section. `slug` begins the slugs of its pages; an empty one adds nothing to them."""

    title: str
    slug: str
    children: tuple["Branch | Leaf | Rest", ...]


Node = Branch | Leaf | Rest


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A page with its slug and the titles above it."""

    slug: str
    section: tuple[str, ...]
    leaf: Leaf


def slug_of(title: str) -> str:
    """Return a title as it stands in an address."""
    plain = unicodedata.normalize("NFKD", title.replace("·", "-")).encode("ascii", "ignore").decode().lower()
    return _NO_WORD.sub("-", plain).strip("-")


def places_of(tree: Sequence[Node], *, section: tuple[str, ...] = (), prefix: str = "") -> Iterator[Place]:
    """Yield every page of a filled tree in order."""
    for node in tree:
        if isinstance(node, Leaf):
            yield Place(slug=node.slug or _joined(prefix, slug_of(node.title)), section=section, leaf=node)
        elif isinstance(node, Branch):
            yield from places_of(node.children, section=(*section, node.title), prefix=_joined(prefix, node.slug))


def fill(tree: Sequence[Node], endpoints: Iterable[Endpoint], *, titles: dict[str, str]) -> tuple[Branch | Leaf, ...]:
    """Return a tree without `Rest`. `titles` are those of families.

    Raises:
        ValueError: a leaf shows an endpoint or a case that is not there.
    """
    table = {endpoint.name: endpoint for endpoint in endpoints}
    placed = {place.leaf.endpoint for place in places_of(tree) if place.leaf.kind == "endpoint"}
    for leaf in (place.leaf for place in places_of(tree)):
        if leaf.endpoint and (leaf.endpoint not in table or leaf.case not in {case.name for case in table[leaf.endpoint].cases}):
            raise ValueError(f"the page {leaf.title!r} shows {leaf.endpoint}/{leaf.case}, which is not there")
    spoken_for = _families_of(tree)
    left: dict[str, list[Leaf]] = {}
    for endpoint in table.values():
        if endpoint.name not in placed:
            left.setdefault(endpoint.family, []).append(_leaf_of(endpoint))
    return _filled(tree, left, others=[family for family in left if family not in spoken_for], titles=titles)


def _families_of(tree: Sequence[Node]) -> set[str]:
    inner = [_families_of(node.children) for node in tree if isinstance(node, Branch)]
    return {family for node in tree if isinstance(node, Rest) for family in node.families}.union(*inner)


def _filled(tree: Sequence[Node], left: dict[str, list[Leaf]], *, others: list[str], titles: dict[str, str]) -> tuple[Branch | Leaf, ...]:
    nodes: list[Branch | Leaf] = []
    for node in tree:
        if isinstance(node, Leaf):
            nodes.append(node)
        elif isinstance(node, Branch):
            children = _filled(node.children, left, others=others, titles=titles)
            if children:
                nodes.append(Branch(title=node.title, slug=node.slug, children=children))
        elif node.families:
            nodes += [leaf for family in node.families for leaf in left.get(family, ())]
        else:
            nodes += [Branch(title=titles.get(family, family.capitalize()), slug="", children=tuple(left[family])) for family in others]
    return tuple(nodes)


def _leaf_of(endpoint: Endpoint) -> Leaf:
    case = next((case.name for case in endpoint.cases if case.status < 400), endpoint.cases[0].name)
    return Leaf(title=endpoint.summary, kind="endpoint", endpoint=endpoint.name, case=case, slug="api-" + slug_of(endpoint.name))


def _joined(prefix: str, slug: str) -> str:
    return f"{prefix}-{slug}" if prefix and slug else prefix or slug
