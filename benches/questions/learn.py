"""Learns how people ask: the change of the default model's weights by which questions are read.

Writes index/profile/insurance.questions (layout: src/embed/bert/questions.rs). Low-rank changes (LoRA) of the last two
layers, on the question's side alone: passages keep the vectors that the model gives them. A question's candidates are ranked
as the engine ranks them (words, bigrams and the other features by their weights, plus COSINE times the passage's and the best
window's cosine), and the softmax over them is to fall on what answers. With --sentences the softmax over the sentences of an
article that answers, by their cosines, is to fall on those that answer. Steps:

    pip install jax numpy onnx tokenizers xxhash
    baowen tune --dataset SET --index INDEX --learn weights --features FEATURES.jsonl      # of every set, an index a corpus;
        # by a program that reads questions plainly: ab4acdf, or one built with an insurance.questions of no changes
    python learn.py --model MODEL_FOLDER --profile THAT_PROGRAMS_PROFILE.json --work FOLDER \
        --set CORPUS.jsonl[,CORPUS.jsonl]=FEATURES.jsonl ... --sentences CORPUS.jsonl[,CORPUS.jsonl]=FOLDER ... --out index/profile/insurance.questions

A set named more than once counts as often. Seeds are fixed; another number of threads may change last digits. Vectors are kept
in --work. Some 20 minutes on two cores, most of it the vectors of the passages.
"""

import argparse
import json
import re
import struct
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import xxhash
from onnx import numpy_helper
from tokenizers import Tokenizer

INSTRUCTION = "为这个句子生成表示以用于检索相关文章："
# What that program weighs the passage's and the window's cosine by, and what a score is divided by before the softmax.
COSINE, TEMPERATURE = 55.0, 4.0
# What a sentence's cosine is multiplied by before the softmax, and how many sentences of an article are looked at.
SHARPNESS, SENTENCES = 25.0, 16
# Layers before this one stay as they are; windows of a passage, candidates of a question, questions of a batch.
FIRST, WINDOWS, CANDIDATES, BATCH = 2, 6, 64, 32
LENGTHS = (32, 40, 48, 56, 72, 112, 256, 512)
MATRICES = {"q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
            "o": "attention.output.dense", "f1": "intermediate.dense", "f2": "output.dense"}
# The order of features in the lines of `baowen tune --features`, as src/search/features.rs has it.
FEATURES = ("words bigrams title coverage bigram_coverage amounts cosine window length titled locality timeliness "
            "same_place out_of_force same_product").split()


def weights(folder):
    """The model's numbers, 8-bit weights as what they stand for."""
    graph = onnx.load(folder / "onnx/model_quantized.onnx").graph
    tensors = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    products = [n.input[1] for n in graph.node if n.op_type == "MatMulInteger" and n.input[1] in tensors]
    out = {"eln_w": tensors["embeddings.LayerNorm.weight"], "eln_b": tensors["embeddings.LayerNorm.bias"]}
    for name in ("word", "position", "token_type"):
        base = f"embeddings.{name}_embeddings.weight"
        codes, zero = tensors[base + "_quantized"], tensors[base + "_zero_point"]
        out[name] = (codes.astype(np.float32) - np.float32(zero)) * tensors[base + "_scale"]
    for layer in range(4):
        for at, (short, name) in enumerate(MATRICES.items()):
            base = products[layer * 6 + at].removesuffix("_quantized")
            out[f"{layer}.{short}.w"] = tensors[base + "_quantized"].astype(np.float32) * tensors[base + "_scale"]
            out[f"{layer}.{short}.b"] = tensors[f"encoder.layer.{layer}.{name}.bias"]
        for short, name in (("ln1", "attention.output.LayerNorm"), ("ln2", "output.LayerNorm")):
            for end, part in (("w", "weight"), ("b", "bias")):
                out[f"{layer}.{short}.{end}"] = tensors[f"encoder.layer.{layer}.{name}.{part}"]
    return {name: jnp.asarray(value) for name, value in out.items()}


def norm(x, w, b):
    mean = x.mean(-1, keepdims=True)
    return (x - mean) / jnp.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 1e-12) * w + b


def layer(p, change, at, x, mask):
    """One transformer layer; the last one for the first token alone, since nothing else of it is read."""
    def linear(name, y):
        out = y @ p[f"{at}.{name}.w"] + p[f"{at}.{name}.b"]
        low = change.get(f"{at}.{name}.A")
        return out if low is None else out + (y @ low) @ change[f"{at}.{name}.B"]

    batch, tokens, _ = x.shape
    heads = lambda y: y.reshape(batch, y.shape[1], 8, 64).transpose(0, 2, 1, 3)
    asked = x[:, :1] if at == 3 else x
    q, k, v = heads(linear("q", asked)), heads(linear("k", x)), heads(linear("v", x))
    seen = jax.nn.softmax(q @ k.transpose(0, 1, 3, 2) / 8 + jnp.where(mask[:, None, None, :] > 0, 0.0, -1e9), -1) @ v
    seen = seen.transpose(0, 2, 1, 3).reshape(batch, asked.shape[1], 512)
    x = norm(asked + linear("o", seen), p[f"{at}.ln1.w"], p[f"{at}.ln1.b"])
    return norm(x + linear("f2", jax.nn.gelu(linear("f1", x), approximate=False)), p[f"{at}.ln2.w"], p[f"{at}.ln2.b"])


@jax.jit
def lower(p, ids, mask):
    x = norm(p["word"][ids] + p["position"][: ids.shape[1]] + p["token_type"][0], p["eln_w"], p["eln_b"])
    for at in range(FIRST):
        x = layer(p, {}, at, x, mask)
    return x.astype(jnp.float16)


@jax.jit
def upper(p, change, x, mask):
    x = x.astype(jnp.float32)
    for at in range(FIRST, 4):
        x = layer(p, change, at, x, mask)
    return x[:, 0] / jnp.linalg.norm(x[:, 0], axis=-1, keepdims=True)


@jax.jit
def middle(p, x, mask):
    """What stands before the last layer."""
    x = x.astype(jnp.float32)
    for at in range(FIRST, 3):
        x = layer(p, {}, at, x, mask)
    return x.astype(jnp.float16)


@jax.jit
def last(p, x, mask):
    """What the last layer makes of the first token, which sees the others that the mask lets it."""
    x = layer(p, {}, 3, x.astype(jnp.float32), mask)
    return x[:, 0] / jnp.linalg.norm(x[:, 0], axis=-1, keepdims=True)


def as_asked(text):
    """A question as the model reads it: what closes it is left out, as src/search/request.rs does."""
    return INSTRUCTION + text.strip().rstrip("?？﹖!！﹗.．。｡…⋯~～,，、;；﹔ \u3000")


class Encoder:
    def __init__(self, folder):
        self.p = weights(folder)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    def ids(self, text, most=512):
        return [101] + self.tokenizer.encode(text, add_special_tokens=False).ids[: most - 2] + [102]

    def lows(self, texts, most):
        """What the first layers make of texts, one array of tokens x 512 each."""
        rows = [self.ids(text, most) for text in texts]
        out = [None] * len(rows)
        order = sorted(range(len(rows)), key=lambda at: len(rows[at]))
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            length = next(n for n in LENGTHS if n >= len(rows[part[-1]]))
            ids, mask = np.zeros((BATCH, length), np.int32), np.zeros((BATCH, length), np.float32)
            mask[:, 0] = 1
            for to, at in enumerate(part):
                ids[to, : len(rows[at])], mask[to, : len(rows[at])] = rows[at], 1
            made = np.asarray(lower(self.p, ids, mask))
            for to, at in enumerate(part):
                out[at] = made[to, : len(rows[at])].copy()
        return out

    def vectors(self, lows):
        """What the last layers make of it, by the model's own weights."""
        out = np.zeros((len(lows), 512), np.float32)
        order = sorted(range(len(lows)), key=lambda at: len(lows[at]))
        for at in range(0, len(order), BATCH):
            part = order[at : at + BATCH]
            out[part] = np.asarray(upper(self.p, {}, *stacked([lows[i] for i in part])))[: len(part)]
        return out

    def mapped(self, function, rows, hidden=0):
        """What a function of stacked rows makes of each, in batches of about equal length."""
        out = [None] * len(rows)
        order = sorted(range(len(rows)), key=lambda at: len(rows[at]))
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            made = np.asarray(function(self.p, *stacked([rows[at] for at in part], hidden)))
            for to, at in enumerate(part):
                out[at] = made[to, : len(rows[at])].copy() if made.ndim == 3 else made[to]
        return out

    def passages(self, texts):
        return self.parted(texts, [[]] * len(texts))[0]

    def parted(self, texts, parts):
        """The vectors of texts, and a list of those of each text's parts (ranges of characters)."""
        own, of_parts = [], []
        for start in range(0, len(texts), 1024):
            some = slice(start, start + 1024)
            rows = self.mapped(middle, self.lows(texts[some], 512))
            own += self.mapped(last, rows)
            asked = []
            for row, text, ranges in zip(rows, texts[some], parts[some]):
                begins = [begin for begin, _ in self.tokenizer.encode(text, add_special_tokens=False).offsets[:510]]
                for begin, end in ranges:
                    tokens = slice(1 + np.searchsorted(begins, begin), 1 + np.searchsorted(begins, end))
                    # In the last layer the first token sees those of the part alone, as src/embed/bert/forward.rs has it.
                    asked.append(np.concatenate([row[:1], row[tokens] if row[tokens].size else row]))
            made = iter(self.mapped(last, asked, 1))
            of_parts += [[next(made) for _ in ranges] for ranges in parts[some]]
        return np.array(own), of_parts


def stacked(lows, hidden=0):
    """Rows of tokens side by side, and which of them are seen: not the first `hidden` ones."""
    length = next(n for n in LENGTHS if n >= max(map(len, lows)))
    x, mask = np.zeros((BATCH, length, 512), np.float16), np.zeros((BATCH, length), np.float32)
    mask[len(lows) :, 0] = 1
    for at, low in enumerate(lows):
        x[at, : len(low)], mask[at, hidden : len(low)] = low, 1
    return x, mask


def packed(text, most, target):
    """A text cut between sentences into parts of about equal length, much as src/article/passage.rs does."""
    if len(text) <= target * 7 / 6:
        return [text]
    ideal = len(text) / max(2, round(len(text) / target))
    parts, part = [], ""
    for sentence in re.findall(r"[^。！？!?；;\n]+[。！？!?；;\n]*", text):
        for piece in (sentence[at : at + most] for at in range(0, len(sentence), most)):
            longer = len(part) + len(piece)
            if part and (longer > most or abs(len(part) - ideal) < abs(longer - ideal)):
                parts.append(part.strip())
                part = ""
            part += piece
    return [part for part in [*parts, part.strip()] if part]


def titled(article, part):
    return "\n".join(x for x in (article.get("title", ""), part) if x)


def collection(files, encoder, work):
    """Vectors of a corpus: passages, windows, rows of each passage's windows, and its passages by article."""
    path = work / ("+".join(f"{Path(f).parent.name}-{Path(f).stem}" for f in files) + ".npz")
    if not path.exists():
        passages, windows, rows, ids = [], [], [], []
        for line in (line for f in files for line in Path(f).read_text().splitlines()):
            article = json.loads(line)
            for part in packed(article["text"].strip(), 600, 420):
                own = packed(part, 200, 120)[:WINDOWS] if len(part) > 200 else []
                rows.append([*range(len(windows), len(windows) + len(own)), *[-1] * (WINDOWS - len(own))])
                passages.append(titled(article, part))
                windows += own
                ids.append(article["_id"])
        np.savez(path, V=encoder.passages(passages), VW=encoder.passages(windows), WP=np.array(rows), ids=np.array(ids))
    kept = dict(np.load(path))
    kept["by"] = {}
    for at, article in enumerate(kept["ids"]):
        kept["by"].setdefault(str(article), []).append(at)
    return kept


def sentences(text):
    """Where a text's sentences lie, much as src/text/sentence.rs cuts them."""
    found = []
    for match in re.finditer(r"[^。！？!?；;\n]+[。！？!?；;\n”’」』）)】》]*", text):
        part = match.group().strip()
        begin = text.index(part, match.start())
        if re.search(r"\w", part):
            found.append((begin, begin + len(part)))
        elif found:
            found[-1] = (found[-1][0], begin + len(part))
    return found


def choices(corpora, folder, encoder):
    """Of each question of a folder what its first layers make of it, and the vectors and the worth of an article's sentences."""
    articles = {}
    for line in (line for f in corpora for line in Path(f).read_text().splitlines()):
        article = json.loads(line)
        articles[article["_id"]] = article
    asked = {q["_id"]: q["text"] for q in map(json.loads, (folder / "queries.jsonl").read_text().splitlines())}
    right = {}
    for line in map(json.loads, (folder / "sentences.jsonl").read_text().splitlines()):
        right.setdefault((line["_id"], line["article_id"]), []).append(line["sentence"])
    # Of each article its sentences, passage by passage, with their vectors.
    owners, passages, places = [], [], []
    for article in dict.fromkeys(article for _, article in right):
        for part in packed(articles[article]["text"].strip(), 600, 420):
            passage = titled(articles[article], part)
            before = len(passage) - len(part)
            owners.append(article)
            passages.append(passage)
            places.append([(before + begin, before + end) for begin, end in sentences(part)])
    found = {}
    for article, passage, some, vectors in zip(owners, passages, places, encoder.parted(passages, places)[1]):
        found.setdefault(article, []).extend((passage[b:e], vector) for (b, e), vector in zip(some, vectors))
    rows = []
    for (question, article), answers in right.items():
        own, vectors = zip(*found[article][:SENTENCES]) if found[article] else ([], [])
        # The first that is named is the best one.
        worth = [1.0 if one == answers[0] else 0.5 if one in answers else 0.0 for one in own]
        if len(own) > 1 and max(worth) > 0:
            rows.append((asked[question], np.array(vectors), worth))
    lows = encoder.lows([as_asked(text) for text, _, _ in rows], 112)
    return [(vectors, low, worth) for (_, vectors, worth), low in zip(rows, lows)]


def questions(features, vectors, encoder, weigh):
    """Of each question its text, what its first layers make of it, and of its candidates passage, score without meaning, grade."""
    rows = [json.loads(line) for line in Path(features).read_text().splitlines()]
    lows = encoder.lows([as_asked(row["text"]) for row in rows], 112)
    plains = encoder.vectors(lows)
    meaning = [FEATURES.index(name) for name in ("cosine", "window")]
    for row, low, plain in zip(rows, lows, plains):
        found = []
        for article, grade, values in row["candidates"]:
            own = vectors["by"].get(article)
            if not own:
                continue
            if len(values) > len(FEATURES):
                # ab4acdf had one more, the ninth.
                values = values[:8] + values[9:]
            at = own[int(np.argmin(np.abs(vectors["V"][own] @ plain - values[meaning[0]])))]
            total = float(np.dot(weigh, values))
            found.append((total, at, total - sum(weigh[m] * values[m] for m in meaning), grade))
        found = sorted(found, key=lambda one: -one[0])[:CANDIDATES]
        if any(one[3] > 0 for one in found):
            yield vectors, low, found


def batch(asked):
    c = CANDIDATES
    v, w = np.zeros((BATCH, c, 512), np.float32), np.zeros((BATCH, c, WINDOWS, 512), np.float32)
    seen, base, grade = np.zeros((BATCH, c, WINDOWS), np.float32), np.full((BATCH, c), -1e4, np.float32), np.zeros((BATCH, c))
    for at, (vectors, _, found) in enumerate(asked):
        rows, n = np.array([one[1] for one in found]), len(found)
        windows, alone = vectors["WP"][rows], vectors["WP"][rows][:, 0] < 0
        v[at, :n], w[at, :n] = vectors["V"][rows], vectors["VW"][np.maximum(windows, 0)]
        w[at, :n][alone, 0] = vectors["V"][rows[alone]]
        seen[at, :n], base[at, :n], grade[at, :n] = windows >= 0, [o[2] for o in found], [o[3] for o in found]
        seen[at, :n, 0] = 1
    return [jnp.asarray(part) for part in (*stacked([low for _, low, _ in asked]), v, w, seen, base, grade)]


def chosen(asked):
    v, seen, worth = np.zeros((BATCH, SENTENCES, 512), np.float32), np.zeros((BATCH, SENTENCES)), np.zeros((BATCH, SENTENCES))
    for at, (vectors, _, values) in enumerate(asked):
        n = len(values)
        v[at, :n], seen[at, :n], worth[at, :n] = vectors, 1, values
    return [jnp.asarray(part) for part in (*stacked([low for _, low, _ in asked]), v, seen, worth)]


def likely(score, worth):
    """The logarithm of how much the softmax of scores gives to what answers, by what that is worth."""
    log = jax.nn.log_softmax(score, -1)
    return jax.nn.logsumexp(jnp.where(worth > 0, log + jnp.log(jnp.maximum(worth, 1e-6)), -1e9), -1).mean()


def loss(change, p, drift, ranked, choice):
    total = ranking_loss(change, p, drift, *ranked)
    if choice:
        x, mask, v, seen, worth = choice
        cosine = jnp.einsum("bd,bsd->bs", upper(p, change, x, mask), v)
        total -= likely(jnp.where(seen > 0, SHARPNESS * cosine, -1e9), worth)
    return total


def ranking_loss(change, p, drift, x, mask, v, w, seen, base, grade):
    q, plain = upper(p, change, x, mask), upper(p, {}, x, mask)
    windows = jnp.where(seen > 0, jnp.einsum("bd,bckd->bck", q, w), -9.0).max(-1)
    score = (base + COSINE * (jnp.einsum("bd,bcd->bc", q, v) + windows)) / TEMPERATURE
    return drift * (1 - (q * plain).sum(-1)).mean() - likely(score, grade / 2)


def batches(asked, rng):
    """Batches of questions of about equal length, again and again, each question at most once a time."""
    if len(asked) < BATCH:
        raise SystemExit(f"{len(asked)} questions are too few to learn from")
    while True:
        order = sorted(rng.permutation(len(asked)), key=lambda at: next(n for n in LENGTHS if n >= len(asked[at][1])))
        parts = [order[at : at + BATCH] for at in range(0, len(order) - BATCH + 1, BATCH)]
        rng.shuffle(parts)
        yield from ([asked[at] for at in part] for part in parts)


def learn(encoder, asked, choices, args):
    rng = np.random.default_rng(7)
    change = {}
    for at in range(FIRST, 4):
        for name in MATRICES:
            inputs, rows = encoder.p[f"{at}.{name}.w"].shape
            change[f"{at}.{name}.A"] = jnp.asarray(rng.normal(0, inputs**-0.5, (inputs, args.rank)).astype(np.float32))
            change[f"{at}.{name}.B"] = jnp.zeros((args.rank, rows), jnp.float32)
    slope = jax.jit(jax.value_and_grad(loss))
    mean, square = ({k: jnp.zeros_like(x) for k, x in change.items()} for _ in range(2))
    steps, lost = int(args.epochs * len(asked) / BATCH), []
    ranked, choice = batches(asked, rng), batches(choices, rng)
    for step in range(1, steps + 1):
        sentence = chosen(next(choice)) if choices else []
        value, g = slope(change, encoder.p, args.drift, batch(next(ranked)), sentence)
        rate = args.rate * min(1, step / 20) * max(0.05, 1 - step / steps)
        for k in change:  # Adam
            mean[k], square[k] = 0.9 * mean[k] + 0.1 * g[k], 0.999 * square[k] + 0.001 * g[k] ** 2
            change[k] -= rate * (mean[k] / (1 - 0.9**step)) / (jnp.sqrt(square[k] / (1 - 0.999**step)) + 1e-8)
        lost.append(float(value))
        if step % 20 == 0:
            print(f"{step} of {steps}: loss {np.mean(lost[-20:]):.4f}", flush=True)
    return {name: np.asarray(value) for name, value in change.items()}


def written(change, model):
    digest = xxhash.xxh3_64_intdigest((model / "onnx/model_quantized.onnx").read_bytes())
    names = list(MATRICES)
    keys = sorted({k[:-2] for k in change}, key=lambda k: (int(k[0]), names.index(k[2:])))
    out = b"BAOWENQT" + struct.pack("<IQI", 1, digest, len(keys))
    for key in keys:
        down, up = change[key + ".A"], change[key + ".B"]
        even = np.sqrt(np.linalg.norm(down) / max(np.linalg.norm(up), 1e-9))
        out += struct.pack("<BBHII", int(key[0]), names.index(key[2:]), down.shape[1], down.shape[0], up.shape[1])
        out += (down / even).astype("<f2").tobytes() + (up * even).astype("<f2").tobytes()
    return out + struct.pack("<Q", xxhash.xxh3_64_intdigest(out))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "profile", "work", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--set", action="append", required=True, metavar="CORPUS[,CORPUS]=FEATURES")
    parser.add_argument("--sentences", action="append", default=[], metavar="CORPUS[,CORPUS]=FOLDER")
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--drift", type=float, default=2.0, help="penalty on turning away from the model's own vector")
    parser.add_argument("--epochs", type=float, default=1.0)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    encoder = Encoder(args.model)
    named = json.loads(args.profile.read_text())["weights"]
    weigh = np.array([named.get(name, 0.0) for name in FEATURES])
    asked = []
    for entry in args.set:
        corpora, features = entry.split("=")
        vectors = collection(corpora.split(","), encoder, args.work)
        asked += questions(features, vectors, encoder, weigh)
    choice = []
    for entry in args.sentences:
        corpora, folder = entry.split("=")
        choice += choices(corpora.split(","), Path(folder), encoder)
    print(f"{len(asked)} questions of which a candidate answers, {len(choice)} articles of which a sentence does", flush=True)
    args.out.write_bytes(written(learn(encoder, asked, choice, args), args.model))


if __name__ == "__main__":
    main()
