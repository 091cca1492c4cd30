// The operator's page: what is in the index, where it came from, and what becomes of a text. Reads only.

import { analyze, collection, hasToken, metrics, questionsToReview, sources, stats, Trouble } from "./api";
import { byId, el, type Child } from "./dom";
import { kindName } from "./kinds";
import { ofMetrics } from "./metrics";
import { count } from "./numbers";
import { ofChosen } from "./read";
import { ofSources } from "./sources";
import { troubled } from "./trouble";
import type { Analysis, Count, Facets, QuestionsToReview, QuestionToReview, Stats } from "./types";
import { visible } from "./visible";

/** So many words of an analysis are shown. */
const SHOWN = 300;

function size(bytes: string): string {
  const units = ["字节", "KB", "MB", "GB", "TB"];
  let [value, unit] = [Number(bytes), 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

function ofStats(found: Stats): HTMLElement {
  const rows: [string, string][] = [
    ["文章", `${count(found.articles)} 篇`],
    ["段落", `${count(found.passages)} 段`],
    ["磁盘", size(found.bytes)],
    ["分段", `${count(found.segments)} 个，其中 ${count(found.graphs)} 个有图`],
    ["最新提交", found.commit],
    ["向量模型", found.model || "没有，只按字词查找"],
    ["分析规则", found.analysis],
    ["写入", found.writes ? "这个服务接受写入" : "这个服务只读"],
  ];
  return el("dl", { class: "record" }, ...rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

/** So many questions to look at are shown of a kind. */
const REVIEWED = 20;
/** Of a longer question the rest is folded. */
const GLIMPSE = 60;

function asked({ text, characters }: QuestionToReview): Child {
  if (text === undefined) return `（${characters} 个字，没有记下）`;
  const all = Array.from(visible(text));
  if (all.length <= GLIMPSE) return all.join("");
  return el("details", { class: "fold" }, el("summary", {}, `${all.slice(0, GLIMPSE).join("")}……`), el("p", {}, all.join("")));
}

function ofQuestions(name: string, questions: QuestionToReview[]): HTMLElement[] {
  if (questions.length === 0) return [el("h3", {}, name), el("p", { class: "hint" }, "还没有。")];
  const rows = questions.slice(0, REVIEWED).map((question) =>
    el(
      "tr",
      {},
      el("td", {}, asked(question)),
      el("td", { class: "number" }, `${(Number(question.micros) / 1000).toFixed(1)} 毫秒`),
      el("td", { class: "number" }, question.answerable === undefined ? "" : `${Math.round(question.answerable * 100)}%`),
      el("td", { class: "number" }, `${question.times} 次`),
      el("td", {}, new Date(Number(question.unix_seconds) * 1000).toLocaleString("zh-CN")),
    ),
  );
  const heads = ["问题", "用时", "有答案的可能", "问过", "时间"].map((head) => el("th", { scope: "col" }, head));
  return [
    el("h3", {}, name),
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": name },
      el("table", { class: "grid" }, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows)),
    ),
  ];
}

function ofQuestionsToReview(found: QuestionsToReview): HTMLElement[] {
  const isWithout = [...found.slowest, ...found.unanswered].some((question) => question.text === undefined);
  return [
    ...ofQuestions("没有答案的问题", found.unanswered),
    ...ofQuestions("最慢的问题", found.slowest),
    ...(isWithout ? [el("p", { class: "hint" }, "启动服务时加上 --log-questions，才会记下问题的文字。")] : []),
  ];
}

function ofCollection(found: Facets): HTMLElement[] {
  const kinds: [string, Count[], (value: string) => string][] = [
    ["发布者", found.sources, (value) => value],
    ["地区", found.regions, (value) => value.replaceAll("/", "")],
    ["年份", found.years, (value) => `${value}年`],
    ["完整程度", found.kinds, kindName],
  ];
  const made = kinds
    .filter(([, counts]) => counts.length > 0)
    .flatMap(([name, counts, label]) => [
      el("h3", {}, name),
      el("ul", { class: "tokens" }, ...counts.map(({ value, count: of }) => el("li", {}, `${label(value)} ${of} 篇`))),
    ]);
  return made.length > 0 ? made : [el("p", { class: "hint" }, "文章没有注明发布者、地区和年份。")];
}

function ofAnalysis(found: Analysis): HTMLElement[] {
  const made: HTMLElement[] = [];
  const list = (name: string, values: string[]) => {
    if (values.length === 0) return;
    const shown = values.slice(0, SHOWN);
    made.push(el("h3", {}, name), el("ul", { class: "tokens" }, ...shown.map((value) => el("li", {}, value))));
    if (values.length > shown.length) made.push(el("p", { class: "hint" }, `还有 ${values.length - shown.length} 个没有列出。`));
  };
  list("规范后", [found.normalized]);
  list("按错字或拼音纠正为", found.corrected ? [found.corrected] : []);
  list("词", found.words.map((one) => one.text));
  list("二元组", found.bigrams.map((one) => one.text));
  list(
    "作为问题要找的",
    found.terms.map((term) => `${term.text} ${term.weight.toFixed(2)}${term.origin === "TERM_ORIGIN_WRITTEN" ? "" : "（同义）"}`),
  );
  list("不作数的", found.dropped);
  list("地区", found.regions);
  list("年份", found.years.map(String));
  list("句子", found.sentences);
  made.push(el("p", { class: "hint" }, `分析规则 ${found.fingerprint}`));
  return made;
}

/** Fills a box with what is fetched, or with what went wrong. */
async function fill<T>(id: string, fetched: () => Promise<T>, show: (found: T) => HTMLElement[]): Promise<void> {
  const box = byId(id);
  box.setAttribute("aria-busy", "true");
  try {
    box.replaceChildren(...show(await fetched()));
  } catch (cause) {
    box.replaceChildren();
    const isAsked = document.querySelector("form.token") !== null;
    box.append(troubled(cause, () => void fill(id, fetched, show), "h2", !isAsked));
  } finally {
    box.setAttribute("aria-busy", "false");
  }
}

byId<HTMLFormElement>("try").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId<HTMLTextAreaElement>("analyzed").value;
  void fill("analysis", () => analyze(text), ofAnalysis);
});

byId<HTMLFormElement>("read").addEventListener("submit", (event) => {
  event.preventDefault();
  void fill("reading", ofChosen, (found) => found);
});

void fill("stats", () => stats(), (found) => [ofStats(found)]);
/** What is the operator's, where this reader may see it: on the service's own machine, or with an admin's token. */
async function ofOperator<T>(
  fetched: () => Promise<T>,
  show: (found: T) => HTMLElement[],
  otherwise: string,
): Promise<HTMLElement[]> {
  try {
    return show(await fetched());
  } catch (cause) {
    if (!(cause instanceof Trouble) || cause.code !== "PERMISSION_DENIED" || hasToken()) throw cause;
    return [el("p", { class: "hint" }, otherwise)];
  }
}

const running = (): Promise<HTMLElement[]> =>
  ofOperator(metrics, ofMetrics, "运行情况只在服务所在的机器上看得到。");
const toReview = (): Promise<HTMLElement[]> =>
  ofOperator(questionsToReview, ofQuestionsToReview, "别人问过的问题只在服务所在的机器上看得到。");
void fill("running", running, (found) => found);
void fill("questions", toReview, (found) => found);
void fill("collection", collection, ofCollection);
void fill("sources", sources, (found) => [ofSources(found)]);
