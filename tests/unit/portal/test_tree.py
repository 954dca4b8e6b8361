"""The tree holds what the product promises, and every page of it has its text."""

from modelgate.app.endpoints import every_endpoint
from modelgate.formats.media.family import load_media_families
from modelgate.portal.navigation import Branch, Node, places_of
from modelgate.portal.texts import FOLDER
from modelgate.portal.tree import FAMILY_TITLES, TREE

PROMISED = """
Introduction
Quick Start Guide
Make a request
Chat Models
  ChatGPT
    Audio
      Create a voice
      Create a transcript
      Create translation
    Chat
      Chat completion object
      Create chat completion (streaming)
      Create chat completion (non-streaming)
      Create chat image recognition (streaming)
      Create chat image recognition (streaming) base64
      Create chat image recognition (non-streaming)
      Function calling
      N choices
      Create chat function call (only non-streaming)
      Create structured output
    Completions
      Completion object
      Creation completed
    Embeddings
      Embedded Object
      Create embed
  Anthropic Claude
    Create chat completion (streaming)
    Create chat completion (non-streaming)
    Create chat image recognition (streaming)
    Create chat image recognition (non-streaming)
  Gemini
    Gemini Image creation interface (gemini-2.0-flash-exp-image-generation)
    Chat interface
    Image recognition interface
Image Models
  MJ
    Submit Imagine task (mj_imagine)
    Submit Blend task (mj_blend)
    Submit Describe task (mj_describe)
    Submit Change task (mj_variation, mj_upscale, mj_reroll)
    Query task status based on task ID
  Ideogram
    Generate with Ideogram 3.0
    Edit with Ideogram 3.0
    Remix with Ideogram 3.0
  Kling Image
    Submit Image Generation
    Get Image by Task ID
    Submit Kolors Virtual Try On
    Get Kolors Virtual Try On by Task ID
  DALL·E 3
  Flux (OpenAI dall-e-3 format)
Video Models
  Kling Video
    Create Video by Text
    Get Video by Task ID (text2video)
    Create Video by Image
    Get Video by Task ID (image2video)
  Runway ML Video
    Create Video by Runway
    Get Video by Task ID
  Luma Video
    Create Video by Luma
    Get Video by Task ID
  Pika Video
    Create Video by Pika
    Get Video by Task ID
Music Model - Suno
  Illustrate
  Parameter
  Task submission
    Generate songs (inspiration, customization, continuation)
    Generate lyrics
  Query interface
    Query a single task
Python Samples
  python openai official library (using AutoGPT, langchain, etc.)
  speech to text
  text to speech
  Embeddings
  DALL·E
  simple openai function-calling demo
  langchain
  llama_index
  gpt-4o to identify pictures (local)
  library streaming output
  gpt-4o to identify images
Plug-in/software usage tutorials
  Setting HTTP for Make.com
  Sample Code for gpt-4o-audio/gpt-4o-mini-audio
Help Center
  HTTP status codes
"""
OURS = {
    "errors",
    "tasks",
    "webhooks",
    "sandbox",
    "prices",
    "limits",
    "settings",
    "commands",
    "operations",
    "money",
    "adding-a-vendor",
    "account-api",
    "models",
}


def paths(nodes: tuple[Node, ...], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for node in nodes:
        title = getattr(node, "title", "")
        if title:
            found.append((*above, title))
        if isinstance(node, Branch):
            found += paths(node.children, (*above, title))
    return found


def promised() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    above: list[str] = []
    for line in PROMISED.strip().splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        above[depth:] = [line.strip()]
        found.append(tuple(above))
    return found


def test_the_promised_tree_is_there_in_its_order() -> None:
    ours = iter(paths(TREE))
    missing = [wanted for wanted in promised() if wanted not in ours]  # `in` goes on where the last one stood
    assert missing == []


def test_our_own_pages_are_there() -> None:
    assert {place.slug for place in places_of(TREE)} >= OURS


def test_every_prose_page_has_its_text() -> None:
    prose = [place for place in places_of(TREE) if place.leaf.kind in ("prose", "models")]
    files = [FOLDER / "handbook" / place.leaf.file if place.leaf.file else FOLDER / "guides" / f"{place.slug}.md" for place in prose]
    assert [path.name for path in files if not path.is_file()] == []


def test_every_text_is_on_a_page() -> None:
    places = list(places_of(TREE))
    assert sorted(path.name for path in (FOLDER / "handbook").glob("*.md")) == sorted({place.leaf.file for place in places} - {""})
    assert {path.stem for path in (FOLDER / "guides").glob("*.md")} <= {place.slug for place in places}


def test_every_recorded_answer_is_of_a_case() -> None:
    cases = {f"{endpoint.name}-{case.name}" for endpoint in every_endpoint(load_media_families()) for case in endpoint.cases}
    assert {path.stem for path in (FOLDER / "answers").glob("*.http")} <= cases


def test_families_have_titles() -> None:
    assert {endpoint.family for endpoint in every_endpoint(load_media_families())} - {"account", "admin", "yescale"} == set(FAMILY_TITLES)


def test_a_missing_page_would_be_noticed() -> None:
    ours = iter(paths(TREE[:-8]))
    assert [wanted for wanted in promised() if wanted not in ours]
