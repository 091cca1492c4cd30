// Stretches of texts with marks. Owns positions: the service counts characters, a browser UTF-16 units.

import { add, el } from "./dom";
import type { Span } from "./types";

/** A text by its characters. */
export class Chars {
  private readonly list: string[];

  constructor(readonly text: string) {
    this.list = Array.from(text);
  }

  get length(): number {
    return this.list.length;
  }

  at(position: number): string {
    return this.list[position] ?? "";
  }

  slice(start: number, end: number): string {
    return this.list.slice(Math.max(0, start), end).join("");
  }
}

/** Marks of a text: words that match, and the sentence that answers. */
export interface Marks {
  words: Span[];
  said?: Span | undefined;
}

/** A stretch as nodes: matched words as `mark`, what lies in `said` as `.said`. */
export function stretch(chars: Chars, start: number, end: number, marks: Marks): DocumentFragment {
  const out = document.createDocumentFragment();
  const said = marks.said && { start: Math.max(start, marks.said.start), end: Math.min(end, marks.said.end) };
  const words = (from: number, to: number, into: Node) => {
    let at = from;
    for (const word of marks.words) {
      const [first, last] = [Math.max(word.start, at), Math.min(word.end, to)];
      if (first >= last) continue;
      add(into, chars.slice(at, first), el("mark", {}, chars.slice(first, last)));
      at = last;
    }
    add(into, chars.slice(at, to));
  };
  if (!said || said.start >= said.end) {
    words(start, end, out);
    return out;
  }
  words(start, said.start, out);
  const inside = el("span", { class: "said" });
  words(said.start, said.end, inside);
  out.appendChild(inside);
  words(said.end, end, out);
  return out;
}

/** Where sentences end. */
const END = /[。！？；!?;\n]/;

/** A part of a long text around a sentence: some characters before and behind, and on to where sentences begin and end. */
export function around(chars: Chars, middle: Span, before: number, after: number): Span {
  let start = Math.max(0, middle.start - before);
  for (let at = start; at > start - before && at >= 0; at--) {
    if (at === 0 || END.test(chars.at(at - 1))) {
      start = at;
      break;
    }
  }
  let end = Math.min(chars.length, middle.end + after);
  for (let at = end; at < end + after && at <= chars.length; at++) {
    if (END.test(chars.at(at - 1))) {
      end = at;
      break;
    }
  }
  // What would be left over is too little to be worth opening.
  if (start < 24) start = 0;
  if (chars.length - end < 24) end = chars.length;
  return { start, end };
}

/** The first sentence of a text. */
export function firstSentence(chars: Chars): Span | undefined {
  let end = 0;
  while (end < chars.length && !(END.test(chars.at(end)) && chars.slice(0, end).trim() !== "")) end++;
  const sentence = { start: 0, end: Math.min(chars.length, end + 1) };
  return chars.slice(0, sentence.end).trim() === "" ? undefined : sentence;
}
