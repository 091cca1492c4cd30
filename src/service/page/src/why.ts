// Why a hit stands where it stands: a sentence for its asker, numbers for engineers.

import { el } from "./dom";
import type { Explanation, RankPart } from "./types";

/** Names of what adds up to a score, as people who work on ranking call them in Chinese. */
const NAMES: Record<string, string> = {
  words: "词",
  bigrams: "二元组",
  title: "标题",
  coverage: "词覆盖",
  bigram_coverage: "二元覆盖",
  amounts: "数额",
  cosine: "相似度",
  window: "句意",
  length: "长度",
  titled: "有标题",
  locality: "地区",
  timeliness: "年份",
  same_place: "当地标准",
  out_of_force: "不在施行期",
  same_product: "所问产品",
  lexical: "字词",
  dense: "语义",
  reranker: "重排",
};

/** So many of the words found are named. */
const TERMS = 12;

function ranks(name: string, part: RankPart | undefined): HTMLTableRowElement | false {
  if (!part) return false;
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, name),
    el("td", {}, part.rank === undefined ? "未进入候选" : `第 ${part.rank} 位`),
    el("td", {}, part.score.toFixed(3)),
    el("td", {}, part.normalized.toFixed(3)),
  );
}

function contributions(parts: { name: string; amount: number }[]): HTMLElement {
  const most = Math.max(...parts.map((part) => Math.abs(part.amount)), 1e-9);
  const rows = parts.map((part) => {
    const bar = el("span", { class: part.amount < 0 ? "bar less" : "bar", "aria-hidden": "true" });
    bar.style.setProperty("--share", String(Math.abs(part.amount) / most));
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, NAMES[part.name] ?? part.name),
      el("td", {}, part.amount.toFixed(2)),
      el("td", { class: "bar-cell" }, bar),
    );
  });
  return el(
    "table",
    {},
    el("caption", {}, "加起来就是得分"),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "特征"), el("th", { scope: "col" }, "得分"), el("th", { scope: "col" }, "大小"))),
    el("tbody", {}, ...rows),
  );
}

function numbers(explanation: Explanation): HTMLElement[] {
  const terms = explanation.terms.slice(0, TERMS);
  const made: (HTMLElement | false)[] = [
    el(
      "table",
      {},
      el("caption", {}, "两路排名"),
      el(
        "thead",
        {},
        el("tr", {}, ...["依据", "名次", "原始分", "归一"].map((name) => el("th", { scope: "col" }, name))),
      ),
      el("tbody", {}, ranks("字词", explanation.lexical), ranks("语义", explanation.dense), ranks("重排", explanation.reranker)),
    ),
    explanation.contributions.length > 0 && contributions(explanation.contributions),
    terms.length > 0 &&
      el(
        "p",
        { class: "terms" },
        "命中：",
        ...terms.map((found) => el("span", {}, `${found.term} ${found.score.toFixed(2)}${found.synonym ? "（同义）" : ""}`)),
      ),
    explanation.swap_weight !== undefined &&
      el("p", {}, `只按字词与语义两路加权时，语义占 ${Math.round(explanation.swap_weight * 100)}% 处与下一条互换。`),
  ];
  return made.filter((part): part is HTMLElement => part !== false);
}

/** The explanation, folded; its numbers are made when it is first opened. */
export function why(explanation: Explanation): HTMLElement {
  const sentence = explanation.summary.split("\n")[0] ?? "";
  const inner = el("details", { class: "numbers" }, el("summary", {}, "排序细节"));
  inner.addEventListener("toggle", () => {
    if (inner.open && inner.childElementCount === 1) inner.append(...numbers(explanation));
  });
  return el("details", { class: "fold" }, el("summary", {}, "为什么排在这里"), el("p", {}, sentence), inner);
}
