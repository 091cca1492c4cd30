"""Runs the embedding model on ONNX Runtime, to compare with: one thread.

    python embed_onnx.py MODEL [--work DIR] [--texts FILE] [--threads N] [--rounds N] [--vectors FILE]

MODEL is the folder of bge-small-zh-v1.5, whose onnx/model_quantized.onnx is run as it is (`cargo bench --bench embed` is
ours), or e5-small-q4.bin, which is run in f32 and in int8.

For the latter it builds the graph of multilingual-e5-small from the weights in e5-small-q4.bin (dequantised) with onnx.helper, once,
in DIR, and makes it int8 with onnxruntime.quantization.quantize_dynamic (U8S8, per channel).

Times each on the token ids given in FILE (one line a text, ids separated by blanks, control tokens included; without it
a question and a passage: of 38 and 221 tokens, for e5 of 16 and 174). Prints one JSON object. Times are CPU milliseconds of the calling thread and wall
milliseconds, the minimum and the median; with several threads only the wall clock counts.

Needs: pip install numpy onnx onnxruntime
"""

import argparse
import json
import os
import struct
import time

import numpy as np
import onnxruntime as ort


def read_model(path):
    """The tensors of an E5S1 file as f32, Q4_0 dequantised."""
    data = open(path, "rb").read()
    assert data[:4] == b"E5S1"
    hidden, layers, heads, wide, words, positions, types = struct.unpack_from("<7i", data, 8)
    (pieces,) = struct.unpack_from("<i", data, 44)
    (blob,) = struct.unpack_from("<Q", data, 64)
    at = 72 + 4 * (pieces + 1) + 4 * pieces + blob
    _, size = struct.unpack_from("<iI", data, at)
    at += 8 + size
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    tensors = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        kind, elements, offset, size = struct.unpack_from("<BIQQ", data, at + 2 + length)
        at += 2 + length + 21
        raw = np.frombuffer(data, np.uint8, size, offset)
        if kind == 0:
            tensors[name] = raw.view(np.float32).copy()
        else:
            blocks = raw.reshape(-1, 18)
            scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
            nibbles = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
            tensors[name] = ((nibbles.astype(np.float32) - 8) * scale).reshape(-1)
    shape = dict(hidden=hidden, layers=layers, heads=heads, wide=wide, words=words, positions=positions, types=types)
    return shape, tensors


def build(shape, tensors, path):
    """The usual BERT export: one node a step, the attention heads as a batch. The word rows stay outside (the caller
    looks them up), because that table would only make the file large: it costs the same everywhere."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    H, heads = shape["hidden"], shape["heads"]
    nodes, inits = [], []

    def const(name, value):
        inits.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def op(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def linear(x, name, rows, inputs):
        w = const(f"{name}.w", tensors[f"{name}.w"].reshape(rows, inputs).T)
        y = op("MatMul", [x, w], f"{name}.mm")
        return op("Add", [y, const(f"{name}.b", tensors[f"{name}.b"])], f"{name}.y")

    def norm(x, name):
        w, b = const(f"{name}.w", tensors[f"{name}.w"]), const(f"{name}.b", tensors[f"{name}.b"])
        return op("LayerNormalization", [x, w, b], f"{name}.y", axis=-1, epsilon=1e-12)

    split = const("split", np.array([0, 0, heads, H // heads], np.int64))
    join = const("join", np.array([0, 0, H], np.int64))
    root = const("root", np.array(1 / np.sqrt(H // heads), np.float32))
    half, one = const("half", np.array(0.5, np.float32)), const("one", np.array(1, np.float32))
    inverse = const("inverse", np.array(1 / np.sqrt(2), np.float32))
    x = norm("x", "emb.ln")
    for layer in range(shape["layers"]):
        p = f"l{layer}."
        q, k, v = (
            op("Reshape", [linear(x, p + n, H, H), split], p + n + ".r") for n in "qkv"
        )
        q = op("Transpose", [q], p + "q.t", perm=[0, 2, 1, 3])
        k = op("Transpose", [k], p + "k.t", perm=[0, 2, 3, 1])
        v = op("Transpose", [v], p + "v.t", perm=[0, 2, 1, 3])
        scores = op("Mul", [op("MatMul", [q, k], p + "qk"), root], p + "scores")
        weights = op("Softmax", [scores], p + "softmax", axis=-1)
        context = op("Transpose", [op("MatMul", [weights, v], p + "pv")], p + "ctx", perm=[0, 2, 1, 3])
        y = linear(op("Reshape", [context, join], p + "ctx.r"), p + "ao", H, H)
        x = norm(op("Add", [x, y], p + "res1"), p + "aln")
        h = linear(x, p + "fi", shape["wide"], H)
        erf = op("Erf", [op("Mul", [h, inverse], p + "erf.x")], p + "erf")
        gelu = op("Mul", [op("Mul", [h, half], p + "gelu.h"), op("Add", [erf, one], p + "gelu.1")], p + "gelu")
        y = linear(gelu, p + "fo", H, shape["wide"])
        x = norm(op("Add", [x, y], p + "res2"), p + "oln")
    axes = const("axes", np.array([1], np.int64))
    op("ReduceMean", [x, axes], "mean", keepdims=0)
    graph = helper.make_graph(
        nodes,
        "e5",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "tokens", H])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["batch", H])],
        inits,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    onnx.save(model, path)


def e5(path, work, texts):
    """Both forms of multilingual-e5-small as paths, and what they are given."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    os.makedirs(work, exist_ok=True)
    shape, tensors = read_model(path)
    plain, rounded = (os.path.join(work, name) for name in ("e5-f32.onnx", "e5-int8.onnx"))
    if not os.path.exists(plain):
        build(shape, tensors, plain)
    if not os.path.exists(rounded):
        quantize_dynamic(plain, rounded, weight_type=QuantType.QInt8, per_channel=True)
    words = tensors["emb.word"].reshape(-1, shape["hidden"])
    extra = tensors["emb.pos"].reshape(-1, shape["hidden"]) + tensors["emb.type"][: shape["hidden"]]
    return {"f32": plain, "int8": rounded}, [{"x": (words[ids] + extra[: len(ids)])[None]} for ids in texts]


def bge(folder, texts):
    """bge-small-zh-v1.5 as it is, and what it is given."""
    path = os.path.join(folder, "onnx", "model_quantized.onnx")

    def given(ids):
        ids = np.array([ids], np.int64)
        return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}

    return {"int8": path}, [given(ids) for ids in texts]


def vector(output):
    """The mean that e5 gives, or the first token's row of bge; normalised."""
    row = output[0] if output.ndim == 2 else output[0, 0]
    return row / np.linalg.norm(row)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--work", default="onnx-work")
    parser.add_argument("--texts")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--vectors", help="write the int8 vectors here (.npy)")
    args = parser.parse_args()
    is_bge = os.path.isdir(args.model)
    if args.texts:
        texts = [[int(i) for i in line.split()] for line in open(args.texts) if line.strip()]
    else:
        begin, end, lengths = (101, 102, (38, 221)) if is_bge else (0, 2, (16, 174))
        texts = [[begin, *range(1000, 1000 + n - 2), end] for n in lengths]
    paths, inputs = bge(args.model, texts) if is_bge else e5(args.model, args.work, texts)

    options = ort.SessionOptions()
    options.intra_op_num_threads = args.threads
    options.inter_op_num_threads = 1
    sessions = {
        name: ort.InferenceSession(path, options, providers=["CPUExecutionProvider"]) for name, path in paths.items()
    }
    report = {"onnxruntime": ort.__version__, "threads": args.threads, "texts": []}
    vectors = []
    for ids, given in zip(texts, inputs):
        entry = {"tokens": len(ids)}
        outputs = {}
        for name, session in sessions.items():
            cpu, wall = [], []
            for _ in range(args.rounds):
                c, w = time.thread_time(), time.perf_counter()
                output = session.run(None, given)[0]
                cpu.append(1e3 * (time.thread_time() - c))
                wall.append(1e3 * (time.perf_counter() - w))
            outputs[name] = vector(output)
            entry[name] = {
                "cpu_ms": {"min": min(cpu), "p50": float(np.median(cpu))},
                "wall_ms": {"min": min(wall), "p50": float(np.median(wall))},
            }
        if "f32" in outputs:
            entry["cosine_int8_to_f32"] = float(outputs["f32"] @ outputs["int8"])
        vectors.append(outputs["int8"])
        report["texts"].append(entry)
    if args.vectors:
        np.save(args.vectors, np.array(vectors, np.float32))
    print(json.dumps(report, indent=1))


main()
