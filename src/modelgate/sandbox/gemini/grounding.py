"""What the vendor's own tools add to an answer: sources of a search, and code that was run."""

from modelgate.core.records import Json

MAX_QUERY = 100
SOURCE = {"uri": "https://example.com/sandbox", "title": "example.com"}


def render_grounding(query: str, text: str) -> dict[str, Json]:
    """Return what a make-believe search found; the segment's indexes count bytes, as the vendor's do."""
    query = query[:MAX_QUERY]
    return {
        "webSearchQueries": [query],
        "searchEntryPoint": {"renderedContent": "<div>The sandbox searched nothing.</div>"},
        "groundingChunks": [{"web": SOURCE}],
        "groundingSupports": [
            {
                "segment": {"startIndex": 0, "endIndex": len(text.encode()), "text": text},
                "groundingChunkIndices": [0],
                "confidenceScores": [0.9],
            }
        ],
    }


def code_run(query: str) -> list[dict[str, Json]]:
    """Return the parts of a run: the code and what it printed."""
    printed = len(query)
    return [
        {"executableCode": {"language": "PYTHON", "code": f"print(len({query[:MAX_QUERY]!r}))\n"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": f"{min(printed, MAX_QUERY)}\n"}},
    ]
