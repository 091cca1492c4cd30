"""Makes the expected values of the metric tests with ir_measures. See README.md for the versions used.

    python make_expected.py small
    python make_expected.py medium                     # recomputes expected.json from the committed run
    python make_expected.py medium --from QRELS_TSV    # makes run and judgements anew from a BEIR judgement file
    python make_expected.py --check QRELS_TSV RUN      # prints the means of any run
"""

import json
import random
import sys
from importlib.metadata import version
from pathlib import Path

import ir_measures
from ir_measures import AP, P, R, RR, Qrel, nDCG

HERE = Path(__file__).parent
K = 10
# Our name: measure. RR@10 is worked out from RR, see below.
MEASURES = {"nDCG@10": nDCG @ 10, "Recall@10": R @ 10, "Recall@100": R @ 100, "P@5": P @ 5, "MAP": AP, "RR": RR}


def read_qrels(path):
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines if line)
    return [Qrel(query, doc, int(grade)) for query, doc, grade in rows]


def measure(qrels_path, run_path):
    """Values by query and means, over all judged queries: what ir_measures calls the aggregate."""
    qrels = read_qrels(qrels_path)
    run = list(ir_measures.read_trec_run(str(run_path)))
    # trec_eval itself (through pytrec_eval) for all, so that one order of ties holds for all.
    values = {name: {} for name in MEASURES}
    names = {measure: name for name, measure in MEASURES.items()}
    evaluator = ir_measures.pytrec_eval.evaluator(list(MEASURES.values()), qrels)
    result = evaluator.calc(run)
    for metric in result.per_query:
        values[names[metric.measure]][metric.query_id] = metric.value
    means = {name: result.aggregated[measure] for name, measure in MEASURES.items()}

    # trec_eval has no cutoff for the reciprocal rank: one that is found below K counts as 0.
    full = values.pop("RR")
    values["MRR@10"] = {query: (value if value >= 1 / K - 1e-9 else 0.0) for query, value in full.items()}
    means.pop("RR")
    means["MRR@10"] = sum(values["MRR@10"].values()) / len(full)

    # ir_measures gives RR@10 to another provider (msmarco), which breaks ties by id ascending and compares scores as
    # doubles. Where no two scores of a query are one 32-bit float, both must agree.
    import numpy

    scores = {}
    for doc in run:
        scores.setdefault(doc.query_id, []).append(numpy.float32(doc.score))
    if all(len(set(of_query)) == len(of_query) for of_query in scores.values()):
        direct = ir_measures.calc_aggregate([RR @ K], qrels, run)[RR @ K]
        assert abs(direct - means["MRR@10"]) < 1e-12, (direct, means["MRR@10"])
    return {
        "made_with": {name: version(name) for name in ("ir_measures", "pytrec_eval-terrier")},
        "measures": {name: {"mean": means[name], "by_query": dict(sorted(values[name].items()))} for name in sorted(values)},
    }


def make_medium(source, queries=40, depth=25):
    """A run over a sample of real judgements, with graded noise, so that relevant articles fall on all ranks."""
    random.seed(3)
    by_query = {}
    for qrel in read_qrels(source):
        by_query.setdefault(qrel.query_id, []).append(qrel)
    docs = sorted({qrel.doc_id for rows in by_query.values() for qrel in rows})
    chosen = sorted(random.sample(sorted(by_query), queries))
    qrels, run = ["query-id\tcorpus-id\tscore"], []
    for query in chosen:
        # The source has one relevant article a question; a few more grades make the measures differ.
        grades = {qrel.doc_id: random.choice([1, 1, 2, 3]) for qrel in by_query[query]}
        for doc in random.sample(docs, random.randrange(0, 6)):
            grades.setdefault(doc, random.choice([0, 0, 1, 2]))
        qrels += [f"{query}\t{doc}\t{grade}" for doc, grade in grades.items()]
        if random.random() < 0.05:
            continue
        pool = set(random.sample(docs, depth)) | {doc for doc in grades if random.random() < 0.85}
        scored = sorted(((random.gauss(grades.get(doc, 0) * 0.8, 1.0), doc) for doc in sorted(pool)), reverse=True)
        run += [f"{query} Q0 {doc} {rank} {score:.6f} made" for rank, (score, doc) in enumerate(scored[:depth], 1)]
    folder = HERE / "medium"
    (folder / "qrels.tsv").write_text("\n".join(qrels) + "\n", encoding="utf-8")
    (folder / "run.trec").write_text("\n".join(run) + "\n", encoding="utf-8")


def main(arguments):
    if arguments[:1] == ["--check"]:
        for name, values in measure(Path(arguments[1]), Path(arguments[2]))["measures"].items():
            print(f"{name}\t{values['mean']:.9f}")
        return
    folder = HERE / arguments[0]
    if "--from" in arguments:
        make_medium(Path(arguments[arguments.index("--from") + 1]))
    expected = measure(folder / "qrels.tsv", folder / "run.trec")
    text = json.dumps(expected, indent=1, ensure_ascii=False)
    (folder / "expected.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
