"""Embeddings: texts as vectors, and which of them is nearest to a question.

pip install openai
"""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ["MODELGATE_BASE_URL"] + "/v1",
    api_key=os.environ["MODELGATE_KEY"],
)


def embed(texts: list[str]) -> list[list[float]]:
    answer = client.embeddings.create(model="text-embedding-3-small", input=texts)
    return [row.embedding for row in answer.data]


def likeness(one: list[float], other: list[float]) -> float:
    """The vectors have length 1, so their product is the cosine."""
    return sum(a * b for a, b in zip(one, other, strict=True))


texts = [
    "The cat sleeps on the warm mat.",
    "Quarterly revenue rose by four percent.",
    "A red kite flies over the sea.",
]
vectors = embed(texts)
(question,) = embed(["Where does the cat sleep?"])
print("Dimensions:", len(question))

ranked = sorted(
    zip(texts, vectors, strict=True),
    key=lambda pair: likeness(question, pair[1]),
    reverse=True,
)
for text, vector in ranked:
    print(f"{likeness(question, vector):.2f}  {text}")
print("Nearest:", ranked[0][0])
