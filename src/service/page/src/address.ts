// What is shown, as an address that can be shared, kept and gone back to. Nothing else knows its form.

import { isKind } from "./kinds";

/** A question with its filters. */
export interface Ask {
  q: string;
  regions: string[];
  years: number[];
  sources: string[];
  /** As the protocol names them. */
  kinds: string[];
  /** What stands in the address as a year or kind and is none, each with its name there: told, not passed over. */
  strange: [string, string][];
  /** As written: no typing errors corrected. */
  exact: boolean;
}

/** An article, the passage that is marked in it, and the question it was opened from. */
export interface Open {
  article: string;
  passage: string;
  ask: Ask;
}

export type View = { kind: "start" } | { kind: "ask"; ask: Ask } | { kind: "article"; open: Open };

/** A question without filters. */
export function asked(q: string): Ask {
  return { q, regions: [], years: [], sources: [], kinds: [], strange: [], exact: false };
}

/** Whether a question has filters. */
export function filtered(ask: Ask): boolean {
  return ask.regions.length + ask.years.length + ask.kinds.length + ask.sources.length + ask.strange.length > 0;
}

function toParams(ask: Ask): URLSearchParams {
  const params = new URLSearchParams();
  if (ask.q) params.set("q", ask.q);
  for (const region of ask.regions) params.append("region", region);
  for (const year of ask.years) params.append("year", String(year));
  for (const source of ask.sources) params.append("source", source);
  for (const kind of ask.kinds) params.append("kind", kind);
  for (const [name, value] of ask.strange) params.append(name, value);
  if (ask.exact) params.set("exact", "1");
  return params;
}

/** The address of a view. */
export function toAddress(view: View): string {
  if (view.kind === "start") return "/";
  if (view.kind === "ask") return `/?${toParams(view.ask)}`;
  const params = new URLSearchParams({ article: view.open.article });
  if (view.open.passage) params.set("passage", view.open.passage);
  for (const [name, value] of toParams(view.open.ask)) params.append(name, value);
  return `/?${params}`;
}

function isYear(value: string): boolean {
  const year = Number(value);
  return Number.isInteger(year) && year >= 1000 && year <= 9999;
}

/** The view of an address, which may have been cut or written by hand. */
export function fromAddress(search: string): View {
  const params = new URLSearchParams(search);
  const all = (name: string) => [...new Set(params.getAll(name).filter((value) => value.trim() !== ""))];
  const strange = (name: string, isOne: (value: string) => boolean) =>
    all(name)
      .filter((value) => !isOne(value))
      .map((value): [string, string] => [name, value]);
  const ask: Ask = {
    q: (params.get("q") ?? "").trim(),
    regions: all("region"),
    years: all("year").filter(isYear).map(Number),
    sources: all("source"),
    kinds: all("kind").filter(isKind),
    strange: [...strange("year", isYear), ...strange("kind", isKind)],
    exact: params.get("exact") === "1",
  };
  const article = params.get("article");
  if (article) return { kind: "article", open: { article, passage: params.get("passage") ?? "", ask } };
  return ask.q ? { kind: "ask", ask } : { kind: "start" };
}

/** The article that a passage is of: its id is the article's, `#` and a number. */
export function articleOf(passage: string): string {
  const at = passage.lastIndexOf("#");
  return at < 0 ? passage : passage.slice(0, at);
}
