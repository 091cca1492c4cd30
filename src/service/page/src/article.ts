// A whole article with the passage marked that was found, and articles like it.

import { article as fetchArticle, similar } from "./api";
import { toAddress, type Open } from "./address";
import { blocks, unmarked } from "./blocks";
import { holdsFor, titleOf, webAddress } from "./card";
import { add, el, type Child } from "./dom";
import { count } from "./numbers";
import { Chars, type Marks } from "./text";
import type { Article, Hit, SimilarArticle, Span } from "./types";

/** Characters of a similar article's passage that are shown. */
const GLIMPSE = 90;
/** Characters of an article that are shown at a time, before a passage and behind it. */
const AT_A_TIME = 40_000;
/** A line may be as long before it is cut. */
const LONGEST_LINE = 4_000;

/** Marks of a hit, moved to where its passage lies in the article. */
function moved(hit: Hit | undefined, passage: Span): Marks {
  if (!hit) return { words: [] };
  const by = ({ start, end }: Span) => ({ start: start + passage.start, end: end + passage.start });
  return { words: hit.highlights.map(by), said: hit.best_sentence && by(hit.best_sentence.span) };
}

function facts(of: Article): HTMLElement {
  const rows: HTMLElement[] = [];
  const row = (name: string, ...value: Child[]) => {
    rows.push(el("div", {}, el("dt", {}, name), el("dd", {}, ...value)));
  };
  const holds = holdsFor(of);
  if (holds) row("地区、年份", holds);
  if (of.source) row("来源", of.source);
  if (of.published) row("发布日期", of.published);
  if (of.kind === "ARTICLE_KIND_SUMMARY") row("完整程度", "只有摘要，全文见原网页");
  const address = webAddress(of.url);
  if (address) row("原网页", el("a", { href: address, rel: "noopener noreferrer nofollow", target: "_blank" }, address, el("span", { class: "unseen" }, "（在新窗口打开）")));
  else if (of.url) row("原网页", of.url);
  for (const [name, value] of Object.entries(of.attributes)) row(name, value);
  row("编号", of.article_id);
  return el("dl", { class: "record" }, ...rows);
}

/** Where a part of a text ends that begins there, behind a line if one ends near. */
function later(chars: Chars, start: number): number {
  const least = start + AT_A_TIME;
  for (let at = least; at < least + LONGEST_LINE; at++) if (chars.at(at - 1) === "\n") return at;
  return Math.min(least, chars.length);
}

/** Where a part of a text begins that ends there. */
function earlier(chars: Chars, end: number): number {
  const most = Math.max(0, end - AT_A_TIME);
  for (let at = most; at > most - LONGEST_LINE && at > 0; at--) if (chars.at(at - 1) === "\n") return at;
  return most;
}

/** What stands before a part that is shown, or behind it, for whoever asks for it: all of a long text at once would keep the
 * browser from answering. */
function rest(chars: Chars, at: number, isBefore: boolean): HTMLElement | false {
  const left = isBefore ? at : chars.length - at;
  if (left <= 0) return false;
  const [start, end] = isBefore ? [earlier(chars, at), at] : [at, later(chars, at)];
  const show = () => {
    const part = blocks(chars, start, end, { words: [] });
    const further = rest(chars, isBefore ? start : end, isBefore);
    const shown = further ? (isBefore ? [further, ...part] : [...part, further]) : part;
    button.replaceWith(...shown);
    part[0]?.setAttribute("tabindex", "-1");
    part[0]?.focus({ preventScroll: true });
  };
  const words = `${isBefore ? "前面" : "后面"}还有 ${count(left)} 字，继续显示`;
  const button = el("button", { type: "button", class: "plain", onclick: show }, words);
  return button;
}

/** The text, the found passage in a section of its own; of a long text what stands around it. */
function text(of: Article, passage: Span | undefined, marks: Marks): HTMLElement {
  const chars = new Chars(of.text);
  const box = el("div", { class: "text" });
  const part = (start: number, end: number) => blocks(chars, start, end, { words: [] });
  if (!passage) {
    const end = later(chars, 0);
    add(box, ...part(0, end), rest(chars, end, false));
    return box;
  }
  const [start, end] = [earlier(chars, passage.start), later(chars, passage.end)];
  const found = el(
    "section",
    { class: "found", id: "found", tabindex: "-1", "aria-label": "找到的段落" },
    ...blocks(chars, passage.start, passage.end, marks),
  );
  add(box, rest(chars, start, true), ...part(start, passage.start), found, ...part(passage.end, end), rest(chars, end, false));
  return box;
}

/** Marks the passage that is shown as found, once its hit is known. */
export function mark(of: Article, hit: Hit): void {
  const passage = of.passages.find((one) => one.passage_id === hit.passage_id)?.span;
  const chars = new Chars(of.text);
  if (passage) document.getElementById("found")?.replaceChildren(...blocks(chars, passage.start, passage.end, moved(hit, passage)));
}

function alike(articles: SimilarArticle[], open: Open): HTMLElement {
  return el(
    "ul",
    { class: "alike" },
    ...articles.map((one) => {
      const href = toAddress({ kind: "article", open: { article: one.article_id, passage: one.passage_id, ask: open.ask } });
      const chars = new Chars(one.text.split("\n").map(unmarked).join(" ").replace(/\s+/g, " "));
      const cut = chars.slice(0, GLIMPSE) + (chars.length > GLIMPSE ? "……" : "");
      const facts = [one.source, one.published].filter(Boolean).join(" · ");
      return el("li", {}, el("a", { href }, titleOf(one)), el("p", {}, cut), facts && el("p", { class: "facts" }, facts));
    }),
  );
}

/** Shows an article; resolves when its text stands. `hit` is the hit that it was opened from, if it is still known. */
export async function showArticle(
  main: HTMLElement,
  open: Open,
  hit: Hit | undefined,
  known: Article | undefined,
  signal: AbortSignal,
): Promise<Article> {
  const of = known ?? (await fetchArticle(open.article, signal));
  const passage = of.passages.find((one) => one.passage_id === open.passage)?.span;
  const back = open.ask.q
    ? el("a", { class: "back", href: toAddress({ kind: "ask", ask: open.ask }) }, `← 回到“${open.ask.q.length > 24 ? `${open.ask.q.slice(0, 24)}……` : open.ask.q}”的结果`)
    : el("a", { class: "back", href: "/" }, "← 问一个问题");
  const likes = el("section", { class: "likes", "aria-labelledby": "likes" }, el("h2", { id: "likes" }, "相似的文章"));
  main.replaceChildren(
    el("p", {}, back),
    el("article", { class: "whole" }, el("h1", {}, titleOf(of)), facts(of), text(of, passage, passage ? moved(hit, passage) : { words: [] })),
    likes,
  );
  void similar(of.article_id, signal)
    .then((found) => likes.append(found.length > 0 ? alike(found, open) : el("p", { class: "hint" }, "没有相似的文章。")))
    .catch(() => likes.append(el("p", { class: "hint" }, "相似的文章暂时取不到。")));
  return of;
}
