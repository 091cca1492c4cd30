// A file or record that was skipped or not read as it should be: where it is, why, and the reader's own words.

import { el } from "./dom";
import { whyName } from "./reasons";
import type { SkippedFile } from "./types";

/** An item of a list of them. The reader's words are English and name bytes, lines and fields, for who looks for the cause. */
export function ofSkippedFile({ path, line, why, reason }: SkippedFile): HTMLElement {
  const place = `${path}${line === undefined ? "" : ` 第 ${line} 行`}`;
  const words = el("span", { lang: "en" }, reason);
  const name = whyName(why);
  if (name === undefined) return el("li", {}, place, el("br"), words);
  return el("li", {}, `${place}：${name}。`, el("details", { class: "fold" }, el("summary", {}, "原话（英文）"), words));
}
