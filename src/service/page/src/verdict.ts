// What is said above the hits: whether there is an answer at all, how the question was read, what is missing.

import { asked, toAddress, type Ask } from "./address";
import { el } from "./dom";
import type { SearchResponse } from "./types";

/** Below this the answer is probably not here; the same bounds as the command line's. */
const UNLIKELY = 0.3;
/** Below this it is not sure. */
const UNSURE = 0.6;

/** How far an answer can be believed. */
export type Sureness = "none" | "unlikely" | "unsure" | "sure";

/** How likely it is that the hits answer the question. */
export function sureness(response: SearchResponse): Sureness {
  if (response.hits.length === 0) return "none";
  // Nothing says how likely it is: there is no model.
  if (response.answerable === undefined) return "unsure";
  if (response.answerable < UNLIKELY) return "unlikely";
  return response.answerable < UNSURE ? "unsure" : "sure";
}

/** What an answer was made without; the same words as the command line's. */
const LACKS: Record<string, string> = {
  LACK_MEANING: "这次只按字词查找，没有用上语义，意思相近而用词不同的内容可能没有找到",
  LACK_WORDS: "这次只按语义查找，没有用上字词，写法相同的内容可能没有找到",
  LACK_RERANKING: "来不及给所有结果重新排序，先后可能不够准",
};

/** What must be known of an answer that is less than was asked for. */
function lacking(lacks: string[]): string {
  const said = lacks.flatMap((lack) => LACKS[lack] ?? []);
  return `注意：${said.length > 0 ? said.join("；") : "这次的结果不完整"}。`;
}

/** In one line what was found; it is read out and heads the hits. */
export function headline(response: SearchResponse, ask: Ask, filtered: boolean): string {
  switch (sureness(response)) {
    case "none":
      return filtered ? "在这些筛选条件下没有找到" : "没有找到";
    case "unlikely":
      return "没有找到能回答这个问题的内容";
    case "unsure":
      return "不确定有没有答案，请您看看是不是";
    case "sure":
      return `“${ask.q.length > 40 ? `${ask.q.slice(0, 40)}……` : ask.q}”，文章里这样说`;
  }
}

/** Everything above the hits but the headline. */
export function verdict(response: SearchResponse, ask: Ask, filtered: boolean): HTMLElement[] {
  const made: HTMLElement[] = [];
  if (response.corrected && !ask.exact) {
    made.push(
      el(
        "p",
        { class: "read" },
        "已按",
        el("b", {}, `“${response.corrected}”`),
        "理解。",
        el("a", { href: toAddress({ kind: "ask", ask: { ...ask, exact: true } }) }, `仍按“${ask.q}”原样查找`),
      ),
    );
  }
  if (ask.exact) {
    made.push(
      el(
        "p",
        { class: "read" },
        "正按原样查找，不纠正错字和拼音。",
        el("a", { href: toAddress({ kind: "ask", ask: { ...ask, exact: false } }) }, "改为自动纠正"),
      ),
    );
  }
  const missing = response.missing;
  if (missing?.sentence && response.hits.length > 0) {
    made.push(el("p", { class: "warning", role: "note" }, missing.sentence));
  }
  const sure = sureness(response);
  if (sure === "unlikely") {
    made.push(el("p", { class: "hint" }, "下面是最接近的，多半不是您要的答案。可以换个说法、少写些细节再问，或者打电话咨询：医保 12393，社保 12333，商业保险 12378。"));
  }
  if (sure === "none") {
    made.push(el("p", { class: "hint" }, filtered ? "可以去掉一些筛选再查。" : "可以换个说法再问，比如用“医保断缴”代替一长段经过。"));
    if (filtered) {
      made.push(
        el("p", {}, el("a", { href: toAddress({ kind: "ask", ask: { ...asked(ask.q), exact: ask.exact } }) }, "去掉全部筛选")),
      );
    }
  }
  if (response.lacking.length > 0) made.push(el("p", { class: "warning", role: "note" }, lacking(response.lacking)));
  return made;
}
