// A text's lines as what they mean: paragraphs, headings, items, tables. Markdown is shown, not written out; nothing of
// the text is lost but the signs that say what a line is.

import { el } from "./dom";
import { stretch, type Chars, type Marks } from "./text";
import type { Span } from "./types";

const HEADING = /^\s{0,3}#{1,6}\s+/;
const ITEM = /^\s*[-*•·]\s+/;
/** The line below a table's head. */
const RULE = /^\s*\|?[\s:|-]*-[\s:|-]*$/;
/** A row of more cells would be too narrow to read on a phone: it stays a line. */
const MOST_CELLS = 5;

/** A line without what begins or ends it as Markdown. */
export function unmarked(line: string): string {
  return line.replace(HEADING, "").replace(ITEM, "");
}

/** The lines of a stretch that say something. */
function lines(chars: Chars, start: number, end: number): Span[] {
  const found: Span[] = [];
  let from = start;
  for (let at = start; at <= end; at++) {
    if (at < end && !/[\n\r\u2028\u2029]/.test(chars.at(at))) continue;
    if (chars.slice(from, at).trim() !== "") found.push({ start: from, end: at });
    from = at + 1;
  }
  return found;
}

/** Where the cells of a row lie: what stands between bars, without those at its ends. */
function cells(chars: Chars, line: Span): Span[] {
  const found: Span[] = [];
  let from = line.start;
  for (let at = line.start; at <= line.end; at++) {
    if (at < line.end && chars.at(at) !== "|") continue;
    let [first, last] = [from, at];
    while (first < last && chars.at(first).trim() === "") first++;
    while (last > first && chars.at(last - 1).trim() === "") last--;
    const isEnd = first === last && (from === line.start || at === line.end);
    if (!isEnd) found.push({ start: first, end: last });
    from = at + 1;
  }
  return found;
}

function table(chars: Chars, rows: Span[][], hasHead: boolean, marks: Marks): HTMLElement {
  const row = (tag: "th" | "td", of: Span[]) =>
    el("tr", {}, ...of.map((cell) => el(tag, tag === "th" ? { scope: "col" } : {}, stretch(chars, cell.start, cell.end, marks))));
  const [head, ...rest] = rows;
  return el(
    "table",
    { class: "rows" },
    hasHead && head && el("thead", {}, row("th", head)),
    el("tbody", {}, ...(hasHead ? rest : rows).map((of) => row("td", of))),
  );
}

/** One line, set by itself: without its sign, the cells of a row one after the other. */
export function oneLine(chars: Chars, start: number, end: number, marks: Marks): DocumentFragment {
  const text = chars.slice(start, end);
  const first = start + ((HEADING.exec(text) ?? ITEM.exec(text))?.[0].length ?? 0);
  const row = text.includes("|") && !text.includes("\n") ? cells(chars, { start: first, end }) : [];
  if (row.length < 2) return stretch(chars, first, end, marks);
  const out = document.createDocumentFragment();
  row.forEach((cell, at) => out.append(at > 0 ? " · " : "", stretch(chars, cell.start, cell.end, marks)));
  return out;
}

/** A stretch as elements, one a line or a table. */
export function blocks(chars: Chars, start: number, end: number, marks: Marks): HTMLElement[] {
  const made: HTMLElement[] = [];
  const all = lines(chars, start, end);
  for (let at = 0; at < all.length; at++) {
    const line = all[at] as Span;
    const rows: Span[][] = [];
    let next = at;
    for (; next < all.length; next++) {
      const other = all[next] as Span;
      const text = chars.slice(other.start, other.end);
      if (rows.length > 0 && RULE.test(text)) continue;
      const found = text.includes("|") ? cells(chars, other) : [];
      if (found.length < 2 || found.length > MOST_CELLS || (rows[0] && found.length !== rows[0].length)) break;
      rows.push(found);
    }
    if (rows.length > 1) {
      // A stretch that begins within a table has lost its head.
      made.push(table(chars, rows, at > 0 || start === 0, marks));
      at = next - 1;
      continue;
    }
    const text = chars.slice(line.start, line.end);
    const heading = HEADING.exec(text);
    const item = ITEM.exec(text);
    const skip = (heading ?? item)?.[0].length ?? 0;
    made.push(el("p", { class: heading ? "heading" : item ? "item" : undefined }, stretch(chars, line.start + skip, line.end, marks)));
  }
  return made;
}
