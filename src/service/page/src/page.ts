// The question page: the box, the address, going back and forth. What is shown is made by `start`, `answers`,
// `article`.

import { LONGEST, stats, Trouble } from "./api";
import { asked, fromAddress, toAddress, type Open, type View } from "./address";
import { fetchAnswer, showAnswer, type Answer } from "./answers";
import { mark, showArticle } from "./article";
import { Combobox } from "./combobox";
import { add, byId } from "./dom";
import { chosen } from "./filters";
import { start } from "./start";
import { troubled } from "./trouble";
import type { Article } from "./types";
import { visible } from "./visible";

/** So many answers and articles are kept, so that going back is at once. */
const KEPT = 30;
/** A page that was not scrolled for so long stands where the reader wants it. */
const REST_MS = 400;
/** What takes longer is said. */
const SLOW_MS = 250;

const form = byId<HTMLFormElement>("ask");
const input = byId<HTMLInputElement>("q");
const clear = byId<HTMLButtonElement>("clear");
const main = byId("main");
const status = byId("status");
const tooLong = byId("too-long");

const answers = new Map<string, Answer>();
const articles = new Map<string, Article>();
let doing = new AbortController();
let resting = 0;

const combobox = new Combobox(input, byId("completions"), askNow);

function keep<T>(kept: Map<string, T>, name: string, value: T): void {
  kept.delete(name);
  kept.set(name, value);
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT) break;
    kept.delete(oldest);
  }
}

function say(text: string): void {
  status.textContent = visible(text);
}

/** Where the reader is on a page: kept with its address, for coming back to it. */
interface Place {
  scroll: number;
  /** The link that has the focus. */
  link?: string;
}

/** Where a page is begun to be read. */
const TOP: Place = { scroll: 0 };

/** Keeps where the reader is with the address that is there, or is about to be left. */
function keepPlace(): void {
  const link = main.contains(document.activeElement) && document.activeElement?.getAttribute("href");
  const place: Place = { scroll: window.scrollY, ...(link && { link }) };
  history.replaceState(place, "");
}

function goTo(view: View): void {
  clearTimeout(resting);
  keepPlace();
  const address = toAddress(view);
  const isHere = address === location.pathname + location.search;
  history[isHere ? "replaceState" : "pushState"](TOP, "", address);
  void show(view, TOP, true);
}

/** Asks what stands in the box: always anew, since the collection may have changed. */
function askNow(q: string): void {
  const view: View = { kind: "ask", ask: asked(q) };
  answers.delete(toAddress(view));
  articles.clear();
  goTo(view);
}

function name(view: View): string {
  switch (view.kind) {
    case "start":
      return "保问";
    case "ask":
      return `${view.ask.q} - 保问`;
    case "article":
      return `${articles.get(view.open.article)?.title || "文章"} - 保问`;
  }
}

function busy(on: boolean, text = ""): void {
  main.setAttribute("aria-busy", String(on));
  main.classList.toggle("busy", on && text !== "");
  if (text) say(text);
}

/** Shows a view at a place of it; `moved` if the reader went on to it, so that the focus goes along. */
async function show(view: View, place: Place, moved: boolean): Promise<void> {
  doing.abort();
  doing = new AbortController();
  const { signal } = doing;
  combobox.close();
  const question = view.kind === "start" ? "" : view.kind === "ask" ? view.ask.q : view.open.ask.q;
  input.value = visible(question);
  measure();
  document.body.dataset["view"] = view.kind;
  busy(true);
  const slow = setTimeout(() => busy(true, "正在查找……"), SLOW_MS);
  try {
    const where = await fill(view, signal);
    if (signal.aborted) return;
    document.title = visible(name(view));
    if (where && place.scroll === 0) where.scrollIntoView({ block: "start" });
    else window.scrollTo(0, place.scroll);
    const came = [...main.querySelectorAll("a")].find((link) => link.getAttribute("href") === place.link);
    if (came) came.focus({ preventScroll: true });
    else if (moved) (where ?? document.getElementById("headline") ?? main).focus({ preventScroll: true });
  } catch (cause) {
    if (signal.aborted || (cause instanceof Trouble && cause.code === "SUPERSEDED")) return;
    main.replaceChildren(troubled(cause, () => void show(view, place, true), "h1"));
    // A filter may be what is wrong: it can be taken off here alone.
    if (view.kind === "ask") add(main, chosen(view.ask));
    document.title = visible(name(view));
  } finally {
    clearTimeout(slow);
    if (!signal.aborted) busy(false);
  }
}

/** Fills the page; gives what is to be looked at, if that is not its top. */
async function fill(view: View, signal: AbortSignal): Promise<HTMLElement | undefined> {
  // Where nothing is, this page is given all the same, to say so.
  if (location.pathname !== "/") throw new Trouble("NOWHERE", "");
  if (view.kind === "start") {
    start(main);
    say("");
    return undefined;
  }
  if (view.kind === "article") {
    const { open } = view;
    const from = answers.get(toAddress({ kind: "ask", ask: open.ask }));
    const hit = from?.hits.find((one) => one.passage_id === open.passage);
    const article = await showArticle(main, open, hit, articles.get(open.article), signal);
    keep(articles, open.article, article);
    if (!from && open.ask.q && open.passage) void markLater(article, open, signal);
    say(`文章：${article.title || "无标题"}`);
    return document.getElementById("found") ?? undefined;
  }
  if (view.ask.strange.length > 0) throw new Trouble("INVALID_ARGUMENT", "", "filter");
  if (Array.from(view.ask.q).length > LONGEST) throw new Trouble("INVALID_ARGUMENT", "", "query");
  const address = toAddress(view);
  let answer = answers.get(address);
  if (!answer) {
    answer = await fetchAnswer(view.ask, signal);
    performance.mark("baowen:answered");
    keep(answers, address, answer);
  }
  showAnswer(main, answer, signal, (ask) => goTo({ kind: "ask", ask }), say);
  // Two frames on, what was just made is on the screen.
  requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("baowen:painted")));
  return undefined;
}

/** Marks the words of an article that was opened by its address: what they are is known once its question is answered. */
async function markLater(article: Article, open: Open, signal: AbortSignal): Promise<void> {
  try {
    const answer = await fetchAnswer(open.ask, signal);
    keep(answers, toAddress({ kind: "ask", ask: open.ask }), answer);
    const hit = answer.hits.find((one) => one.passage_id === open.passage);
    if (hit && !signal.aborted) mark(article, hit);
  } catch {
    // The article can be read all the same.
  }
}

/** Says while typing that a question is too long, and by how much. */
function measure(): boolean {
  const length = Array.from(input.value.trim()).length;
  tooLong.textContent = length > LONGEST ? `问题最长 ${LONGEST} 字，现在是 ${length} 字，请缩短一些。` : "";
  input.setAttribute("aria-invalid", String(length > LONGEST));
  clear.hidden = input.value === "";
  return length <= LONGEST;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const q = input.value.trim();
  if (!q) return input.focus();
  if (!measure()) return;
  askNow(q);
});

input.addEventListener("input", measure);

clear.addEventListener("click", () => {
  input.value = "";
  combobox.close();
  measure();
  input.focus();
});

// Links to this page are followed without loading it again; everything else is the browser's.
document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element).closest<HTMLAnchorElement>("a[href]");
  if (!link || link.target || link.origin !== location.origin || link.pathname !== "/" || link.hash) return;
  event.preventDefault();
  goTo(fromAddress(link.search));
});

window.addEventListener("popstate", (event) => {
  clearTimeout(resting);
  void show(fromAddress(location.search), (event.state as Place | null) ?? TOP, false);
});
// Where the reader is, for going back and forth and for loading the page again.
window.addEventListener("scroll", () => {
  clearTimeout(resting);
  resting = window.setTimeout(keepPlace, REST_MS);
});

history.scrollRestoration = "manual";
const first = fromAddress(location.search);
void show(first, (history.state as Place | null) ?? TOP, false);
if (first.kind === "start" && window.matchMedia("(pointer: fine)").matches) input.focus();

stats(undefined)
  .then(({ articles: count }) => {
    byId("held").textContent = `收录 ${Number(count).toLocaleString("zh-CN")} 篇文章。`;
  })
  .catch(() => undefined);
