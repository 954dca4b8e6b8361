"""LlamaIndex: read a folder, index it, ask about it.

pip install llama-index-core llama-index-llms-openai-like
pip install llama-index-embeddings-openai-like
"""

import os
import tempfile
from pathlib import Path

from llama_index.core import SimpleDirectoryReader, VectorStoreIndex
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike

GATEWAY = {
    "api_base": os.environ["MODELGATE_BASE_URL"] + "/v1",
    "api_key": os.environ["MODELGATE_KEY"],
}

# The plain OpenAI classes know only OpenAI's model names; these take any.
model = OpenAILike(
    model="claude-haiku-4-5",
    is_chat_model=True,
    is_function_calling_model=True,
    **GATEWAY,
)
embedding = OpenAILikeEmbedding(model_name="text-embedding-3-small", **GATEWAY)

with tempfile.TemporaryDirectory() as folder:
    Path(folder, "cat.txt").write_text("The cat Tiger sleeps on the warm mat.")
    Path(folder, "money.txt").write_text("Quarterly revenue rose by four percent.")
    documents = SimpleDirectoryReader(folder).load_data()

index = VectorStoreIndex.from_documents(documents, embed_model=embedding)

found = index.as_retriever(similarity_top_k=1).retrieve("Where does the cat sleep?")
print("Found:", found[0].node.get_content())

engine = index.as_query_engine(llm=model, similarity_top_k=1)
print("Answer:", engine.query("Where does the cat sleep?"))
