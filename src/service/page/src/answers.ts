// The answer to a question as it stands on the page: headline, hits, filters, more of them. Owns no address and no
// history; what was fetched lies in an `Answer`, so that going back shows it at once.

import { DEEPEST, PAGE, search } from "./api";
import { filtered, type Ask } from "./address";
import { card } from "./card";
import { add, el } from "./dom";
import { chosen, Filters } from "./filters";
import { troubled } from "./trouble";
import type { Hit, SearchResponse } from "./types";
import { headline, sureness, verdict } from "./verdict";
import { slider, weighable, weighed } from "./weigh";

/** What was fetched for a question. */
export interface Answer {
  ask: Ask;
  first: SearchResponse;
  hits: Hit[];
  /** Whether there may be more hits. */
  more: boolean;
}

/** Asks a question. */
export async function fetchAnswer(ask: Ask, signal: AbortSignal): Promise<Answer> {
  const first = await search(ask, 0, signal);
  return { ask, first, hits: first.hits, more: first.hits.length === PAGE };
}

/** Shows an answer. `go` takes a question with other filters, `say` what is read out. */
export function showAnswer(
  main: HTMLElement,
  answer: Answer,
  signal: AbortSignal,
  go: (ask: Ask) => void,
  say: (text: string) => void,
): void {
  const { ask, first } = answer;
  const sure = sureness(first);
  const head = headline(first, ask, filtered(ask));
  const list = el("div", { class: "hits" });
  const under = el("div", { class: "more" });
  const cards = new Map<string, HTMLElement>();
  const context = {
    ask,
    doubtful: sure === "unlikely",
    known: (passage: string) => answer.hits.find((hit) => hit.passage_id === passage),
    titleOf: (article: string) => answer.hits.find((hit) => hit.article_id === article)?.title,
  };
  let share: number | undefined;

  const place = () => {
    const order = share === undefined ? answer.hits : weighed(answer.hits, share);
    list.replaceChildren(...order.map((hit) => cards.get(hit.passage_id) as HTMLElement));
  };
  const fill = (hits: Hit[]) => {
    for (const hit of hits) {
      if (!cards.has(hit.passage_id)) cards.set(hit.passage_id, card(hit, cards.size + 1, context));
    }
    place();
  };
  const more = () => {
    const button = el("button", { type: "button", class: "plain", onclick: () => void next(button) }, "更多结果");
    under.replaceChildren(...(answer.more && answer.hits.length + PAGE <= DEEPEST ? [button] : []));
  };
  const next = async (button: HTMLButtonElement) => {
    button.disabled = true;
    button.textContent = "正在取……";
    try {
      const response = await search(ask, answer.hits.length, signal);
      const known = new Set(answer.hits.map((hit) => hit.passage_id));
      const fresh = response.hits.filter((hit) => !known.has(hit.passage_id));
      answer.hits = [...answer.hits, ...fresh];
      answer.more = response.hits.length === PAGE;
      fill(fresh);
      more();
      say(`又有 ${fresh.length} 条，共 ${answer.hits.length} 条`);
      const one = fresh[0];
      if (one) cards.get(one.passage_id)?.focus({ preventScroll: true });
    } catch (cause) {
      if (!signal.aborted) under.replaceChildren(troubled(cause, () => void next(button)));
    }
  };

  fill(answer.hits);
  more();
  const filters = new Filters(ask, go, signal);
  const side = el("div", { class: "side" }, filters.element);
  if (weighable(answer.hits)) {
    side.append(
      slider(first, (to) => {
        share = to;
        place();
      }),
    );
  }
  const heading = el("h1", { class: `headline ${sure}`, id: "headline", tabindex: "-1" }, head);
  const said = el("div", { class: "verdict" }, heading, ...verdict(first, ask, filtered(ask)));
  const chips = chosen(ask);
  const results = el("div", { class: "results" });
  add(results, said, chips, list, under);
  main.replaceChildren(el("div", { class: "columns" }, side, results));
  say(`${head}。${answer.hits.length > 0 ? `有 ${answer.hits.length} 条${answer.more ? "，后面还有" : ""}。` : ""}`);
  requestAnimationFrame(() => setTimeout(() => filters.settle()));
}
