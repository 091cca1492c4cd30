#!/usr/bin/env python3
"""hnswlib on the vectors that `src/index/graph` is measured with: one thread, recall@10 and microseconds a query.

    pip install numpy hnswlib==0.8.0
    python graph_hnswlib.py BASE.npy QUERIES.npy [--m 16] [--ef-construction 200] [--cache FILE] [--rounds 5]

BASE and QUERIES are float32 matrices (n x dim) whose rows have length 1. The truth is computed here, exactly. The
least of the rounds is printed beside the median, because other work on the machine only ever adds time. `--cache`
keeps the built index, so that runs can alternate with the engine's own.
"""

import argparse
import os
import time

import hnswlib
import numpy as np


def truth(base, queries, k):
    """Row numbers of the k nearest rows of each query, by exact dot products."""
    out = np.empty((len(queries), k), np.int64)
    for start in range(0, len(queries), 100):
        scores = queries[start : start + 100] @ base.T
        out[start : start + 100] = np.argpartition(-scores, k, axis=1)[:, :k]
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base")
    parser.add_argument("queries")
    parser.add_argument("--m", type=int, default=16)
    parser.add_argument("--ef-construction", type=int, default=200)
    parser.add_argument("--ef", type=int, nargs="+", default=[16, 24, 32, 48, 64, 96, 128, 200])
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cache")
    args = parser.parse_args()

    base = np.load(args.base).astype(np.float32)
    queries = np.load(args.queries).astype(np.float32)
    index = hnswlib.Index(space="ip", dim=base.shape[1])
    if args.cache and os.path.exists(args.cache):
        started = time.perf_counter()
        index.load_index(args.cache, max_elements=len(base))
        print(f"hnswlib load {time.perf_counter() - started:.2f} s")
    else:
        started, cpu = time.perf_counter(), time.process_time()
        index.init_index(len(base), M=args.m, ef_construction=args.ef_construction, random_seed=1)
        index.add_items(base, np.arange(len(base)), num_threads=1)
        print(f"hnswlib build {time.perf_counter() - started:.1f} s, CPU {time.process_time() - cpu:.1f} s")
        if args.cache:
            index.save_index(args.cache)
    index.set_num_threads(1)
    right = truth(base, queries, args.k)
    for ef in args.ef:
        index.set_ef(max(ef, args.k))
        times, found = [], 0
        for _ in range(args.rounds):
            started = time.perf_counter()
            labels, _distances = index.knn_query(queries, k=args.k, num_threads=1)
            times.append((time.perf_counter() - started) / len(queries) * 1e6)
        found = sum(len(set(a) & set(b)) for a, b in zip(labels.tolist(), right.tolist()))
        recall = found / (len(queries) * args.k)
        print(f"hnswlib ef {ef:4d} recall@{args.k} {recall:.4f} us min {min(times):7.1f} median {sorted(times)[len(times) // 2]:7.1f}")


if __name__ == "__main__":
    main()
