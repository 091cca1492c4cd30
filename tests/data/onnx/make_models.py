"""Makes the tiny models of this folder and what another implementation makes of a few texts with them.

    python3 -m venv venv && venv/bin/pip install onnx==1.23.2 onnxruntime==1.32.0 numpy tokenizers==0.23.3
    venv/bin/python tests/data/onnx/make_models.py

Six folders in the layout of a model hub: encoders and cross-encoders shaped like BERT (WordPiece, token types, [CLS]) and
like XLM-RoBERTa (Unigram, positions counted by the graph from the padding id on, mean), with f32 and with int8 weights.
Weights are random, so their vectors mean nothing; they are large enough that a wrong id, position, mask, prompt or pooling
shows. `expected.jsonl` holds token ids (by the Python tokenizers) and vectors or scores: of the f32 models by the numpy
code below, which shares nothing with the graph, of the int8 models by ONNX Runtime.
"""

import json
import math
import os
import shutil

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

HERE = os.path.dirname(os.path.abspath(__file__))
HIDDEN, HEADS, LAYERS, INNER = 16, 2, 2, 32
TEXTS = [
    "医保断缴了怎么办",
    "养老保险的缴费比例是多少？",
    "意外险 accident 保障 2025 年",
    "保",
    "住院医疗费用在起付标准以上的部分，由统筹基金按比例支付；不符合规定的部分由个人负担。" * 3,
    "\u3000全角ＡＢＣ，café naïve ☂ 未知字龘",
]
PAIRS = [(0, 4), (1, 4), (0, 2), (3, 3), (1, 5), (2, 0)]
ERF = np.vectorize(math.erf)


def letters():
    seen = sorted({c for text in TEXTS[:5] for c in text if not c.isspace()})
    return seen + [c for c in "abcdefghijklmnopqrstuvwxyz" if c not in seen]


def word_piece():
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + letters()
    vocab += ["##" + c for c in "abcdefghijklmnopqrstuvwxyz0123456789"] + ["acc", "##dent", "##id", "20", "##25"]
    ids = {piece: at for at, piece in enumerate(dict.fromkeys(vocab))}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    # As published files have it: what reads them must not pad nor cut by it.
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=8, pad_id=0, pad_token="[PAD]")
    return tokenizer


def unigram():
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(c, -4.0 - 0.01 * at) for at, c in enumerate(letters())]
    pieces += [("医保", -5.0), ("养老保险", -6.0), ("费用", -5.5), ("acc", -5.0), ("▁医保", -5.2), ("qu", -5.1), ("query", -6.0)]
    pieces += [(":", -4.5), ("<mask>", 0.0)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    return tokenizer


class Weights:
    """Random weights, large enough to matter."""

    def __init__(self, seed, vocabulary, positions, types, head):
        rng = np.random.default_rng(seed)
        draw = lambda *shape, scale=0.5: (rng.standard_normal(shape) * scale).astype(np.float32)
        norm = lambda: (1 + draw(HIDDEN, scale=0.2), draw(HIDDEN, scale=0.2))
        linear = lambda i, o: (draw(i, o, scale=1.2 / math.sqrt(i)), draw(o, scale=0.2))
        self.word, self.position, self.type = draw(vocabulary, HIDDEN), draw(positions, HIDDEN), draw(types, HIDDEN)
        self.norm = norm()
        self.layers = [
            {name: linear(HIDDEN, HIDDEN) for name in ("query", "key", "value", "out")}
            | {"inner": linear(HIDDEN, INNER), "outer": linear(INNER, HIDDEN), "norm1": norm(), "norm2": norm()}
            for _ in range(LAYERS)
        ]
        self.head = (linear(HIDDEN, HIDDEN), linear(HIDDEN, 1)) if head else None


def reference(w, epsilon, ids, types, positions):
    """The forward pass of one text, without padding."""

    def norm(x, scale, shift):
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * scale + shift

    x = norm(w.word[ids] + w.position[positions] + w.type[types], *w.norm)
    split = lambda y: y.reshape(len(ids), HEADS, -1).transpose(1, 0, 2)
    for layer in w.layers:
        q, k, v = (split(x @ layer[name][0] + layer[name][1]) for name in ("query", "key", "value"))
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(HIDDEN / HEADS)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ v
        mixed = mixed.transpose(1, 0, 2).reshape(len(ids), HIDDEN)
        x = norm(x + mixed @ layer["out"][0] + layer["out"][1], *layer["norm1"])
        inner = x @ layer["inner"][0] + layer["inner"][1]
        inner = inner * 0.5 * (1 + ERF(inner / math.sqrt(2)))
        x = norm(x + inner @ layer["outer"][0] + layer["outer"][1], *layer["norm2"])
    if w.head is None:
        return x
    (dense, bias), (out, shift) = w.head
    return np.tanh(x[0] @ dense + bias) @ out + shift


class Graph:
    """An ONNX graph as exporters write it."""

    def __init__(self):
        self.nodes, self.weights = [], []

    def const(self, name, value):
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def do(self, op, *inputs, **attributes):
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name="/" + name, **attributes))
        return name

    def linear(self, name, x, pair):
        product = self.do("MatMul", x, self.const(name + ".weight", pair[0]))
        return self.do("Add", product, self.const(name + ".bias", pair[1]))


def graph_of(w, shape, opset, epsilon):
    g = Graph()
    f32, i64 = np.float32, np.int64

    def norm(name, x, pair):
        scale, shift = g.const(name + ".weight", pair[0]), g.const(name + ".bias", pair[1])
        if opset >= 17:
            return g.do("LayerNormalization", x, scale, shift, axis=-1, epsilon=epsilon)
        centred = g.do("Sub", x, g.do("ReduceMean", x, axes=[-1]))
        variance = g.do("ReduceMean", g.do("Pow", centred, g.const(name + ".two", f32(2))), axes=[-1])
        deviation = g.do("Sqrt", g.do("Add", variance, g.const(name + ".epsilon", f32(epsilon))))
        return g.do("Add", g.do("Mul", g.do("Div", centred, deviation), scale), shift)

    def heads(name, x, transposed):
        split = g.do("Reshape", x, g.const(name + ".split", np.array([0, 0, HEADS, HIDDEN // HEADS], i64)))
        return g.do("Transpose", split, perm=[0, 2, 3, 1] if transposed else [0, 2, 1, 3])

    if shape == "bert":
        length = g.do("Gather", g.do("Shape", "input_ids"), g.const("one", i64(1)), axis=0)
        length = g.do("Unsqueeze", length, g.const("front", np.array([0], i64)))
        all_positions = g.const("positions", np.arange(len(w.position), dtype=i64)[None])
        begin, along = g.const("begin", np.array([0], i64)), g.const("along", np.array([1], i64))
        positions = g.do("Slice", all_positions, begin, length, along)
        types = "token_type_ids"
    else:
        # As XLM-RoBERTa counts: from the padding id on, padding itself not counted.
        is_text = g.do("Cast", g.do("Not", g.do("Equal", "input_ids", g.const("pad", i64(1)))), to=TensorProto.INT64)
        counted = g.do("Mul", g.do("CumSum", is_text, g.const("along", i64(1))), is_text)
        positions = g.do("Add", counted, g.const("offset", i64(1)))
        types = g.do("Mul", "input_ids", g.const("none", i64(0)))
    x = g.do("Add", g.do("Gather", g.const("word", w.word), "input_ids"), g.do("Gather", g.const("type", w.type), types))
    x = norm("norm", g.do("Add", x, g.do("Gather", g.const("position", w.position), positions)), w.norm)
    mask = g.do("Cast", g.do("Unsqueeze", "attention_mask", g.const("middle", np.array([1, 2], i64))), to=TensorProto.FLOAT)
    mask = g.do("Mul", g.do("Sub", g.const("open", f32(1)), mask), g.const("closed", f32(np.finfo(f32).min)))
    for at, layer in enumerate(w.layers):
        q, k, v = (g.linear(f"{at}.{name}", x, layer[name]) for name in ("query", "key", "value"))
        q, k, v = heads(f"{at}.q", q, False), heads(f"{at}.k", k, True), heads(f"{at}.v", v, False)
        scores = g.do("Div", g.do("MatMul", q, k), g.const(f"{at}.root", f32(math.sqrt(HIDDEN / HEADS))))
        mixed = g.do("MatMul", g.do("Softmax", g.do("Add", scores, mask), axis=-1), v)
        mixed = g.do("Reshape", g.do("Transpose", mixed, perm=[0, 2, 1, 3]), g.const(f"{at}.join", np.array([0, 0, HIDDEN], i64)))
        x = norm(f"{at}.norm1", g.do("Add", x, g.linear(f"{at}.out", mixed, layer["out"])), layer["norm1"])
        inner = g.linear(f"{at}.inner", x, layer["inner"])
        erf = g.do("Erf", g.do("Div", inner, g.const(f"{at}.root2", f32(math.sqrt(2)))))
        gelu = g.do("Mul", g.do("Mul", inner, g.do("Add", erf, g.const(f"{at}.1", f32(1)))), g.const(f"{at}.half", f32(0.5)))
        x = norm(f"{at}.norm2", g.do("Add", x, g.linear(f"{at}.outer", gelu, layer["outer"])), layer["norm2"])
    output, dims = "last_hidden_state", ["batch_size", "sequence_length", HIDDEN]
    if w.head is not None:
        output, dims = "logits", ["batch_size", 1]
        first = g.do("Gather", x, g.const("first", i64(0)), axis=1)
        x = g.linear("classifier", g.do("Tanh", g.linear("dense", first, w.head[0])), w.head[1])
    g.nodes.append(helper.make_node("Identity", [x], [output]))
    text = lambda name: helper.make_tensor_value_info(name, TensorProto.INT64, ["batch_size", "sequence_length"])
    inputs = ["input_ids", "attention_mask"] + (["token_type_ids"] if shape == "bert" else [])
    graph = helper.make_graph(
        g.nodes, shape, [text(name) for name in inputs], [helper.make_tensor_value_info(output, TensorProto.FLOAT, dims)], g.weights
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def write(folder, name, value):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def make(name, shape, int8, head, pooling=None, prompts=None, seed=1):
    folder = os.path.join(HERE, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, "onnx"))
    bert = shape == "bert"
    tokenizer = word_piece() if bert else unigram()
    tokenizer.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    most = 64
    positions, pad, epsilon = (most, 0, 1e-12) if bert else (most + 2, 1, 1e-5)
    w = Weights(seed, tokenizer.get_vocab_size(), positions, 2 if bert else 1, head)
    plain = os.path.join(folder, "onnx", "model.onnx")
    onnx.save(graph_of(w, shape, 14 if bert else 17, epsilon), plain)
    path = plain
    if int8:
        path = os.path.join(folder, "onnx", "model_quantized.onnx")
        quantize_dynamic(plain, path, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
        os.remove(plain)
    kind = ("Bert" if bert else "XLMRoberta") + ("ForSequenceClassification" if head else "Model")
    config = {"architectures": [kind], "model_type": "bert" if bert else "xlm-roberta", "hidden_size": HIDDEN,
              "max_position_embeddings": positions, "pad_token_id": pad, "vocab_size": len(w.word)}
    if head:
        config["id2label"] = {"0": "LABEL_0"}
    write(folder, "config.json", config)
    if pooling:
        write(folder, "1_Pooling/config.json", {"word_embedding_dimension": HIDDEN, "pooling_mode_cls_token": pooling == "cls",
              "pooling_mode_mean_tokens": pooling == "mean", "pooling_mode_max_tokens": False})
    if prompts:
        write(folder, "config_sentence_transformers.json", {"prompts": prompts, "default_prompt_name": None})

    tokenizer.no_padding()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(encoding):
        ids, types = np.array(encoding.ids), np.array(encoding.type_ids)
        feed = {"input_ids": ids[None], "attention_mask": np.ones_like(ids)[None]}
        if bert:
            feed["token_type_ids"] = types[None]
        found = session.run(None, feed)[0][0]
        if int8:
            return found
        at = np.arange(len(ids)) + (0 if bert else 2)
        expected = reference(w, epsilon, ids, types if bert else 0 * types, at)
        assert np.abs(found - expected).max() < 1e-4, (name, np.abs(found - expected).max())
        return expected

    tokenizer.enable_truncation(most, strategy="longest_first")
    lines = []
    if head:
        for question, passage in PAIRS:
            encoding = tokenizer.encode(TEXTS[question], TEXTS[passage])
            lines.append({"query": TEXTS[question], "passage": TEXTS[passage], "ids": encoding.ids, "score": float(run(encoding)[0])})
    else:
        for role in ("query", "passage"):
            for text in TEXTS:
                encoding = tokenizer.encode((prompts or {}).get(role, "") + text)
                x = run(encoding)
                vector = x[0] if pooling == "cls" else x.mean(0)
                vector = vector / np.linalg.norm(vector)
                lines.append({"kind": role, "text": text, "ids": encoding.ids, "vector": [round(float(v), 7) for v in vector]})
    with open(os.path.join(folder, "expected.jsonl"), "w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


make("bert", "bert", False, False, "cls", {"query": "保障：", "document": ""}, seed=1)
make("bert-int8", "bert", True, False, "mean", seed=2)
make("xlmr", "xlmr", False, False, "mean", {"query": "query: ", "passage": "医保 "}, seed=3)
make("xlmr-int8", "xlmr", True, False, "cls", seed=4)
make("bert-reranker", "bert", False, True, seed=5)
make("xlmr-reranker-int8", "xlmr", True, True, seed=6)
