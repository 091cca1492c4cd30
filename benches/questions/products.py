"""Questions that name insurance products, made from the titles of a corpus, and what a running service answers.

    python benches/questions/products.py CORPUS.jsonl --url http://127.0.0.1:50051

CORPUS is what the service's index was made of: articles by line with `_id`, `title` and `text`. Each product is asked about what
its own passages speak of (犹豫期, 等待期, ...), by its whole name and by what its title calls it before it says what is insured; and by
an edition that is not there. Prints for each kind how many have the right passage first, among three and among ten, how many
have the product first, and how many say that the product is missing. Needs Python's own library alone; the same corpus gives
the same questions.
"""

import argparse
import collections
import json
import random
import re
import urllib.request
from pathlib import Path

# What is asked about a passage that speaks of it.
ASKED = {
    "犹豫期": "犹豫期是几天", "等待期": "等待期多久", "宽限期": "宽限期多长", "责任免除": "哪些情况不赔", "现金价值": "退保能拿回多少",
    "诉讼时效": "诉讼时效几年", "保险事故通知": "出险后多久要通知", "免赔额": "免赔额是多少", "合同解除": "怎么解除合同",
    "受益人": "受益人怎么指定", "保险金申请": "理赔要交什么材料", "年龄错误": "年龄报错了怎么办", "未还款项": "欠款怎么扣",
    "投保范围": "多大年纪可以投保", "效力恢复": "断缴后怎么恢复", "保险期间": "保障期间多长", "争议": "有争议怎么处理",
    "医院": "什么医院才能报",
}
INSURER = re.compile("^(TaiPing太平财产保险有限公司|TaiPing|PICC人保寿险|中华财险|安联|泰康|onsale *[0-9]*[.]?)")
LEXICON = Path(__file__).parents[2] / "index/lexicon/products.txt"


def words(*names):
    """The words of some lists of the lexicon."""
    lines = (line.partition(": ") for line in LEXICON.read_text().splitlines())
    return [word for name, _, line in lines if name in names for word in line.split()]


def product(title, described, others):
    """What a title's product is called, or nothing: its whole name, its own part of it, and its letter."""
    if "险" not in title or any(word in title for word in others):
        return None
    letter = re.search("([A-Za-z])款", title)
    name = re.sub(r"[（(][^）)]*[）)]|[《》]|\d{4}-\d\d-\d\d.*", "", title)
    name = name[: name.rfind("险") + 1]
    name = INSURER.sub("", name[name.rfind("公司") + 2 if "公司" in name else 0 :])
    whole = re.sub("[A-Za-z]款", "", name)
    own, before = whole, None
    while own != before:
        before = own
        for word in described:
            own = own.removesuffix(word)
    bare = own
    for word in described:
        bare = bare.replace(word, "")
    return (whole, own, f"{letter.group(1)}款" if letter else "") if len(bare) >= 2 else None


def ask(url, text):
    body = json.dumps({"query": text, "top_k": 10}).encode()
    request = urllib.request.Request(f"{url}/v1/search", body, {"content-type": "application/json"})
    return json.load(urllib.request.urlopen(request))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:50051")
    parser.add_argument("--most", type=int, default=800, help="questions of products that are there")
    given = parser.parse_args()
    described = words("insured", "described")
    others = words("no product by law", "no product by title")
    named, passages = {}, collections.defaultdict(set)
    for line in given.corpus.read_text().splitlines():
        article = json.loads(line)
        title = article.get("title") or ""
        found = product(title, described, others)
        if found:
            named[title] = found
            for sign in ASKED:
                if sign in article["text"]:
                    passages[title, sign].add(article["_id"])
    questions = []
    for (title, sign), ids in sorted(passages.items()):
        whole, own, letter = named[title]
        questions.append(("whole name", whole + letter + ASKED[sign], title, sign, ids))
        questions.append(("short name", own + letter + ASKED[sign], title, sign, ids))
    random.Random(3).shuffle(questions)
    questions = questions[: given.most]
    for own in sorted({own for _, own, letter in named.values() if letter}):
        letters = {letter for _, other, letter in named.values() if other == own}
        missing = next(letter for letter in ("Z款", "Y款", "X款") if letter not in letters)
        questions.append(("edition not there", f"{own}{missing}责任免除有哪些", None, None, set()))
    counts = collections.defaultdict(collections.Counter)
    for kind, text, title, sign, ids in questions:
        answer = ask(given.url, text)
        count = counts[kind]
        count["questions"] += 1
        count["told missing"] += bool((answer.get("missing") or {}).get("products"))
        if not title:
            continue

        def is_own(hit):
            return named.get(hit["title"], ("", ""))[1] == named[title][1]

        right = [is_own(hit) and (sign in hit["text"] or hit["article_id"] in ids) for hit in answer["hits"]]
        for most in (1, 3, 10):
            count[f"right among {most}"] += any(right[:most])
        count["product first"] += any(map(is_own, answer["hits"][:1]))
    for kind, count in counts.items():
        print(kind, dict(count))


if __name__ == "__main__":
    main()
