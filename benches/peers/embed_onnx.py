"""Runs the embedding model on ONNX Runtime, to compare with: one thread.

    python embed_onnx.py MODEL [--texts FILE] [--threads N] [--rounds N] [--vectors FILE]

MODEL is the folder of bge-small-zh-v1.5, whose onnx/model_quantized.onnx is run as it is (`cargo bench --bench embed` is
ours). Times it on the token ids given in FILE (one line a text, ids separated by blanks, control tokens included; without
it a question with its instruction and a passage, of 38 and 221 tokens). Prints one JSON object. Times are CPU milliseconds
of the calling thread and wall milliseconds, the minimum and the median; with several threads only the wall clock counts.

Needs: pip install numpy onnxruntime
"""

import argparse
import json
import os
import time

import numpy as np
import onnxruntime as ort

BEGIN, END = 101, 102


def given(ids):
    ids = np.array([ids], np.int64)
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--texts")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--vectors", help="write the vectors here (.npy)")
    args = parser.parse_args()
    if args.texts:
        texts = [[int(i) for i in line.split()] for line in open(args.texts) if line.strip()]
    else:
        texts = [[BEGIN, *range(1000, 1000 + n - 2), END] for n in (38, 221)]

    options = ort.SessionOptions()
    options.intra_op_num_threads = args.threads
    options.inter_op_num_threads = 1
    path = os.path.join(args.model, "onnx", "model_quantized.onnx")
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    report = {"onnxruntime": ort.__version__, "threads": args.threads, "texts": []}
    vectors = []
    for ids in texts:
        cpu, wall = [], []
        for _ in range(args.rounds):
            c, w = time.thread_time(), time.perf_counter()
            output = session.run(None, given(ids))[0]
            cpu.append(1e3 * (time.thread_time() - c))
            wall.append(1e3 * (time.perf_counter() - w))
        # The first token's row is the text's vector.
        vectors.append(output[0, 0] / np.linalg.norm(output[0, 0]))
        report["texts"].append(
            {
                "tokens": len(ids),
                "int8": {
                    "cpu_ms": {"min": min(cpu), "p50": float(np.median(cpu))},
                    "wall_ms": {"min": min(wall), "p50": float(np.median(wall))},
                },
            }
        )
    if args.vectors:
        np.save(args.vectors, np.array(vectors, np.float32))
    print(json.dumps(report, indent=1))


main()
