// The weight of meaning against words, for engineers: sorts the hits that are there without asking again.
//
// The formula is that of the convex fusion: share x dense + (1 - share) x lexical, both as they entered the fusion. The
// service's own order adds more than these two, so it is a position of its own and not one of the slider.

import { el } from "./dom";
import type { Hit, SearchResponse } from "./types";

/** The hits in the order of a share of meaning, 0 to 1; ties by passage id, as the service breaks them. */
export function weighed(hits: Hit[], share: number): Hit[] {
  const score = ({ explanation }: Hit) =>
    share * (explanation?.dense?.normalized ?? 0) + (1 - share) * (explanation?.lexical?.normalized ?? 0);
  return [...hits].sort(
    (a, b) => score(b) - score(a) || (a.passage_id < b.passage_id ? -1 : Number(a.passage_id > b.passage_id)),
  );
}

/** Whether hits can be weighed at all: both rankings took part. */
export function weighable(hits: Hit[]): boolean {
  return hits.length > 1 && hits.every(({ explanation }) => explanation?.dense && explanation.lexical);
}

/** The slider; `sort` gets the share, or nothing for the service's own order. */
export function slider({ candidates, timings }: SearchResponse, sort: (share: number | undefined) => void): HTMLElement {
  const took = timings && (timings.cached ? "答案是缓存的" : `用时 ${(Number(timings.total_micros) / 1000).toFixed(1)} 毫秒`);
  const output = el("output", { for: "share" }, "综合排序");
  const input = el("input", { id: "share", type: "range", min: 0, max: 100, step: 1, value: 50, "aria-describedby": "share-help" });
  const said = (text: string) => {
    output.textContent = text;
    input.setAttribute("aria-valuetext", text);
  };
  const reset = el(
    "button",
    {
      type: "button",
      class: "plain",
      disabled: true,
      onclick: () => {
        input.value = "50";
        said("综合排序");
        reset.disabled = true;
        input.focus();
        sort(undefined);
      },
    },
    "恢复综合排序",
  );
  input.addEventListener("input", () => {
    const share = Number(input.value) / 100;
    said(`语义 ${Math.round(share * 100)}%，字词 ${Math.round((1 - share) * 100)}%`);
    reset.disabled = false;
    sort(share);
  });
  input.setAttribute("aria-valuetext", "综合排序");
  return el(
    "details",
    { class: "fold weigh" },
    el("summary", {}, "调整排序"),
    el("div", { class: "weigh-row" }, el("label", { for: "share" }, "语义权重"), el("span", { "aria-hidden": "true" }, "字词"), input, el("span", { "aria-hidden": "true" }, "语义"), output, reset),
    el("p", { id: "share-help", class: "hint" }, "只按字词与语义两路得分重排已经取到的结果，不重新查找。"),
    el("p", { class: "hint" }, [`候选 ${candidates} 段`, took].filter(Boolean).join("，"), "。"),
  );
}
