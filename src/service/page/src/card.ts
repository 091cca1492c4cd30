// One answer as a card: the answering sentence, where it is from and for whom it holds, the passage around it, and why
// it stands here. Knows nothing of the other cards but what it is told of them.

import { articleOf, toAddress, type Ask } from "./address";
import { blocks, oneLine } from "./blocks";
import { add, el, type Child } from "./dom";
import { around, Chars, firstSentence, stretch, type Marks } from "./text";
import type { Explanation, Hit, NearCopy, Span } from "./types";
import { visible } from "./visible";
import { why } from "./why";

/** A passage up to this long is shown whole. */
const WHOLE = 180;
/** A sentence longer than this is set smaller. */
const LONG_SENTENCE = 60;
/** Of a sentence no more is set large; the passage below has all of it. */
const LARGE = 200;

/** What a card needs to know of the answer it is in. */
export interface Around {
  ask: Ask;
  /** Whether the answer is likely to be none: then no sentence is set as if it were one. */
  doubtful: boolean;
  /** Other hits by passage, to say of what product, place and year a near copy is. */
  known: (passage: string) => Hit | undefined;
  /** The title of an article that has a hit here. */
  titleOf: (article: string) => string | undefined;
}

/** 杭州/余杭区 is 杭州余杭区 to people. */
export function placeName(region: string): string {
  return region.replaceAll("/", "");
}

function some(names: string[], most: number): string {
  return names.slice(0, most).join("、") + (names.length > most ? ` 等 ${names.length} 个` : "");
}

/** Where and when something holds, in a few words; empty if it is not said. */
export function holdsFor(of: { regions: string[]; years: number[] }): string {
  return [some(of.regions.map(placeName), 3), some(of.years.map((year) => `${year}年`), 3)].filter(Boolean).join(" · ");
}

/** A title for what may have none. */
export function titleOf(of: { title: string; heading?: string; article_id: string }): string {
  return visible(of.title).trim() || visible(of.heading ?? "").trim() || "无标题的文章";
}

/** An address that leads to a page of the web, or nothing. */
export function webAddress(url: string | undefined): string | undefined {
  try {
    const parsed = new URL(url ?? "");
    return ["http:", "https:"].includes(parsed.protocol) ? parsed.href : undefined;
  } catch {
    return undefined;
  }
}

/** Words in an article's record that say that it is no longer in force. */
const OUT_OF_FORCE = /失效|废止|作废|已过期|停止执行/;
const FORCE_FIELDS = ["时效性", "时效", "效力", "效力状态", "有效性", "状态", "status"];

/** What a reader must know before believing it, each a sentence. */
export function warnings(hit: Hit): string[] {
  const found: string[] = [];
  const places = some(hit.regions.map(placeName), 3);
  const years = some(hit.years.map((year) => `${year}年`), 3);
  if (hit.applies?.place === "FIT_OTHER") found.push(places ? `这一条说的是${places}，不是您问的地方。` : "这一条不适用于您问的地方。");
  if (hit.applies?.year === "FIT_OTHER") found.push(years ? `这一条说的是${years}，不是您问的年份。` : "这一条不是您问的年份。");
  if (hit.applies?.product === "FIT_OTHER") found.push("这一条说的是另一个产品，不是您问的。");
  const { force, effective, expired } = hit.validity ?? {};
  if (force === "FORCE_ENDED") found.push(expired ? `这一条从 ${expired} 起不再执行。` : "这一条已经废止或失效。");
  if (force === "FORCE_NOT_YET") found.push(effective ? `这一条 ${effective} 起才执行。` : "这一条还没有开始执行。");
  const stated = FORCE_FIELDS.map((name) => hit.attributes[name] ?? "").find((value) => OUT_OF_FORCE.test(value));
  if (stated && force !== "FORCE_ENDED") found.push(`这篇文章注明：${stated}。`);
  if (hit.near_copies.some((copy) => copy.newer)) found.push("另有较新的一条说法不同，见下面的对照。");
  return found;
}

/** What to set large: the sentence that answers; how the passage begins, if there is neither that nor a title. */
function answer(hit: Hit, chars: Chars): Span | undefined {
  const span = hit.best_sentence?.span;
  if (span && span.start < span.end && span.end <= chars.length) return span;
  return hit.title.trim() || hit.heading.trim() ? undefined : firstSentence(chars);
}

function source(hit: Hit, context: Around): HTMLElement {
  const open = toAddress({ kind: "article", open: { article: hit.article_id, passage: hit.passage_id, ask: context.ask } });
  const chars = new Chars(hit.title);
  const title = hit.title.trim()
    ? el("a", { href: open, class: "title" }, stretch(chars, 0, chars.length, { words: hit.title_highlights }))
    : el("a", { href: open, class: "title" }, visible(hit.heading).trim() || "查看全文");
  const facts: Child[] = [];
  const fact = (label: string, value: string | undefined, kind = "") => {
    if (value) facts.push(el("span", { class: `fact ${kind}` }, el("span", { class: "unseen" }, `${label}：`), value));
  };
  fact("地区和年份", holdsFor(hit), "holds");
  fact("来源", hit.source);
  fact("日期", hit.published && `${hit.published} 发布`);
  const { effective, expired } = hit.validity ?? {};
  fact("执行时间", [effective && `${effective} 起执行`, expired && `${expired} 起不再执行`].filter(Boolean).join("，"));
  if (hit.kind === "ARTICLE_KIND_SUMMARY") fact("完整程度", "只有摘要");
  return el("div", { class: "source" }, el("cite", {}, title), facts.length > 0 && el("p", { class: "facts" }, ...facts));
}

function passage(hit: Hit, chars: Chars, said: Span | undefined): HTMLElement {
  const marks: Marks = { words: hit.highlights, said };
  const box = el("div", { class: "passage" });
  const whole = () => box.replaceChildren(...blocks(chars, 0, chars.length, marks));
  const middle = said ? { start: said.start, end: Math.min(said.end, said.start + LARGE) } : { start: 0, end: 60 };
  const part = chars.length <= WHOLE ? { start: 0, end: chars.length } : around(chars, middle, 40, 60);
  if (part.start === 0 && part.end === chars.length) {
    whole();
    return box;
  }
  box.replaceChildren(...blocks(chars, part.start, part.end, marks));
  const [first, last] = [box.firstElementChild, box.lastElementChild];
  if (part.start > 0 && first) (first.localName === "p" ? first : box).prepend("……");
  const open = el("button", { type: "button", class: "more-text", onclick: () => {
    whole();
    box.tabIndex = -1;
    box.focus({ preventScroll: true });
  } }, "显示整段");
  (last?.localName === "p" ? last : box).append(part.end < chars.length ? "……" : "", open);
  return box;
}

/** How what has no title begins. */
function glimpse(hit: Hit | undefined): string {
  const begin = Array.from(visible(hit?.best_sentence?.text ?? hit?.text ?? "").replace(/^[\s“”"《]+/, ""));
  return begin.length === 0 ? "另一篇" : `另一篇：“${begin.slice(0, 14).join("")}……”`;
}

/** One difference as the service writes it: 犹豫期 20天 / 10天. */
const DIFFERENCE = /^(?:(.+) )?(\S+) \/ (\S+)$/;

/** How a near copy differs: what this one says, what the other one says, and of which product, place and year each is. */
function near(copy: NearCopy, hit: Hit, context: Around): HTMLElement {
  const other = context.known(copy.passage_id);
  const name = (title: string, of: { regions: string[]; years: number[] } | undefined) => {
    const where = of ? holdsFor(of) : "";
    return [title && (title.startsWith("《") ? title : `《${title}》`), where && `（${where}）`].filter(Boolean).join("");
  };
  const own = name(visible(hit.title), hit);
  const others = name(visible(copy.title), other);
  const address = toAddress({
    kind: "article",
    open: { article: articleOf(copy.passage_id), passage: copy.passage_id, ask: context.ask },
  });
  const row = (who: Child, isNewer: boolean, label: string, said: string) =>
    el("div", {}, el("dt", {}, who, isNewer && el("span", { class: "newer" }, "较新")), el("dd", {}, label && `${label} `, el("b", {}, said)));
  const link = () => el("a", { href: address }, others || glimpse(other));
  const parts = copy.difference ? copy.difference.split("；") : [];
  const parsed = parts.map((part) => DIFFERENCE.exec(part));
  if (parts.length === 0) return el("p", {}, copy.title && copy.title !== hit.title ? "内容几乎相同，标题不同：" : "内容几乎相同：", link());
  if (parsed.some((part) => part === null)) return el("p", {}, `${copy.difference}（前者是这一条，后者是`, link(), "）");
  const said = (side: 2 | 3) => parsed.map((part) => part?.[side] ?? "").join("，");
  const label = parsed.length === 1 ? (parsed[0]?.[1] ?? "") : "";
  return el("dl", {}, row(own ? `这一条 ${own}` : "这一条", copy.newer === false, label, said(2)),
    row(link(), copy.newer === true, label, said(3)),
  );
}

function nearCopies(hit: Hit, context: Around): HTMLElement | false {
  if (hit.near_copies.length === 0) return false;
  const differs = hit.near_copies.some((copy) => copy.difference);
  return el(
    // Not an aside: several cards may have one, and landmarks of one name cannot be told apart.
    "div",
    { class: "near", role: "group", "aria-label": "说法相近的另一条" },
    el("p", { class: "near-head" }, differs ? "说法相近，但有不同。请看清是哪个产品、哪个地方、哪一年：" : "说法相近的还有："),
    ...hit.near_copies.map((copy) => near(copy, hit, context)),
  );
}

function duplicates(hit: Hit, context: Around): HTMLElement | false {
  if (hit.duplicates.length === 0) return false;
  const several = hit.duplicates.length > 1;
  const name = (id: string, at: number) => {
    const article = articleOf(id);
    const title = article === hit.article_id ? "同一篇文章的另一处" : visible(context.titleOf(article) ?? "").trim() || "同一内容的另一处";
    // Links to different places have different names.
    return several ? `${title}（${at + 1}）` : title;
  };
  return el(
    "details",
    { class: "fold" },
    el("summary", {}, `另有 ${hit.duplicates.length} 处内容相同`),
    el(
      "ul",
      {},
      ...hit.duplicates.slice(0, 50).map((id, at) =>
        el("li", {}, el("a", { href: toAddress({ kind: "article", open: { article: articleOf(id), passage: id, ask: context.ask } }) }, name(id, at))),
      ),
    ),
  );
}

/** The card of a hit. */
export function card(hit: Hit, place: number, context: Around): HTMLElement {
  const chars = new Chars(hit.text);
  const said = answer(hit, chars);
  const name = `hit-${place}`;
  const length = said ? said.end - said.start : 0;
  const warned = warnings(hit);
  const explanation: Explanation | undefined = hit.explanation;
  const made = el("article", { class: context.doubtful ? "card doubtful" : "card", "aria-labelledby": name, tabindex: "-1" });
  add(
    made,
    warned.length > 0 && el("div", { class: "warning", role: "note" }, ...warned.map((text) => el("p", {}, text))),
    el(
      "h2",
      { id: name, class: length > LONG_SENTENCE ? "answer long" : "answer" },
      said ? oneLine(chars, said.start, Math.min(said.end, said.start + LARGE), { words: hit.highlights }) : titleOf(hit),
      length > LARGE && "……",
    ),
    source(hit, context),
    // A passage of one sentence stands there already.
    (!said || chars.text.trim() !== chars.slice(said.start, said.end).trim() || length > LARGE) && passage(hit, chars, said),
    nearCopies(hit, context),
    el("div", { class: "under" }, duplicates(hit, context), explanation && why(explanation)),
  );
  return made;
}
