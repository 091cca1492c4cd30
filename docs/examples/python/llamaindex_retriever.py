"""Baowen as a retriever of LlamaIndex: passages of insurance articles for a query engine that answers from them.

    pip install llama-index-core httpx
    python llamaindex_retriever.py 医保断缴了怎么办 生育津贴怎么领

BAOWEN_ADDRESS names another service than http://127.0.0.1:50051, BAOWEN_TOKEN what it wants to see.
"""

import asyncio
import os
import sys
from typing import Any

import httpx
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode


class BaowenRetriever(BaseRetriever):
    """The best passages for a question, one an article, best first.

    filter: fields of the protocol's Filter: {"regions": ["浙江"], "years": [2024]}.
    least_chance: where the chance that the collection answers the question is smaller, there are no nodes. Below 0.3 an
        answer is probably not there, and an engine does better to say so.
    timeout: seconds.
    """

    def __init__(
        self,
        address: str = "http://127.0.0.1:50051",
        token: str | None = None,
        top_k: int = 5,
        filter: dict[str, Any] | None = None,
        least_chance: float = 0.0,
        timeout: float = 5.0,
    ) -> None:
        super().__init__()
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._settings = {"base_url": address, "headers": headers, "timeout": timeout}
        self._fields = {"top_k": top_k, **({"filter": filter} if filter else {})}
        self._least_chance = least_chance

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        with httpx.Client(**self._settings) as client:
            return self._nodes(client.post("/v1/search", json={"query": query_bundle.query_str, **self._fields}))

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        async with httpx.AsyncClient(**self._settings) as client:
            return self._nodes(await client.post("/v1/search", json={"query": query_bundle.query_str, **self._fields}))

    def _nodes(self, response: httpx.Response) -> list[NodeWithScore]:
        if response.is_error:
            raise ValueError(f"{response.status_code}: {response.text}")
        answer = response.json()
        if answer.get("answerable", 1) < self._least_chance:
            return []
        return [
            NodeWithScore(
                node=TextNode(
                    id_=hit["passage_id"],
                    text=hit["text"],
                    metadata={
                        "article_id": hit["article_id"],
                        "title": hit["title"],
                        "source": hit.get("source"),
                        "url": hit.get("url"),
                        "published": hit.get("published"),
                        "best_sentence": hit.get("best_sentence", {}).get("text", ""),
                    },
                    # What is for programs, and would only lead a language model astray.
                    excluded_llm_metadata_keys=["article_id", "best_sentence"],
                ),
                score=hit["score"],
            )
            for hit in answer["hits"]
        ]


async def main(questions: list[str]) -> None:
    address = os.environ.get("BAOWEN_ADDRESS", "http://127.0.0.1:50051")
    retriever = BaowenRetriever(address, os.environ.get("BAOWEN_TOKEN"), top_k=3, least_chance=0.3)
    for question, nodes in zip(questions, await asyncio.gather(*map(retriever.aretrieve, questions))):
        print(f"问：{question}")
        for found in nodes:
            print(f"  · {found.node.metadata['best_sentence'] or found.text}")
            print(f"    {found.node.metadata['title']} [{found.node.node_id}] {found.score:.1f}")
        if not nodes:
            print("  库中多半没有这个问题的答案")
    # Without asyncio it is `retrieve`.
    first = retriever.retrieve(questions[0])
    print(f"{len(first)} nodes, the first of {len(first[0].text) if first else 0} characters")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1:]))
