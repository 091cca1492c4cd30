"""Baowen as a retriever of LangChain: passages of insurance articles for a chain that answers from them.

    pip install langchain-core httpx
    python langchain_retriever.py 医保断缴了怎么办 生育津贴怎么领

BAOWEN_ADDRESS names another service than http://127.0.0.1:50051, BAOWEN_TOKEN what it wants to see.
"""

import asyncio
import os
import sys
from typing import Any

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever


class BaowenRetriever(BaseRetriever):
    """The best passages for a question, one an article, best first."""

    address: str = "http://127.0.0.1:50051"
    token: str | None = None
    top_k: int = 5
    # Fields of the protocol's Filter: {"regions": ["浙江"], "years": [2024]}.
    filter: dict[str, Any] | None = None
    # Where the chance that the collection answers the question is smaller, there are no documents. Below 0.3 an answer
    # is probably not there, and a chain does better to say so.
    least_chance: float = 0.0
    timeout: float = 5.0

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        with httpx.Client(**self._settings()) as client:
            return self._documents(client.post("/v1/search", json=self._request(query)))

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        async with httpx.AsyncClient(**self._settings()) as client:
            return self._documents(await client.post("/v1/search", json=self._request(query)))

    def _settings(self) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return {"base_url": self.address, "headers": headers, "timeout": self.timeout}

    def _request(self, query: str) -> dict[str, Any]:
        return {"query": query, "top_k": self.top_k, **({"filter": self.filter} if self.filter else {})}

    def _documents(self, response: httpx.Response) -> list[Document]:
        if response.is_error:
            raise ValueError(f"{response.status_code}: {response.text}")
        answer = response.json()
        if answer.get("answerable", 1) < self.least_chance:
            return []
        return [
            Document(
                id=hit["passage_id"],
                page_content=hit["text"],
                metadata={
                    "article_id": hit["article_id"],
                    "title": hit["title"],
                    "score": hit["score"],
                    "best_sentence": hit.get("best_sentence", {}).get("text", ""),
                    "source": hit.get("source"),
                    "url": hit.get("url"),
                    "published": hit.get("published"),
                    "answerable": answer.get("answerable"),
                },
            )
            for hit in answer["hits"]
        ]


async def main(questions: list[str]) -> None:
    address = os.environ.get("BAOWEN_ADDRESS", "http://127.0.0.1:50051")
    retriever = BaowenRetriever(address=address, token=os.environ.get("BAOWEN_TOKEN"), top_k=3, least_chance=0.3)
    for question, documents in zip(questions, await retriever.abatch(questions)):
        print(f"问：{question}")
        for document in documents:
            print(f"  · {document.metadata['best_sentence'] or document.page_content}")
            print(f"    {document.metadata['title']} [{document.id}]")
        if not documents:
            print("  库中多半没有这个问题的答案")
    # Without asyncio it is `invoke`.
    first = retriever.invoke(questions[0])
    print(f"{len(first)} documents, the first of {len(first[0].page_content) if first else 0} characters")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1:]))
