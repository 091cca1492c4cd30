// Filters by place, year, source and kind, chosen from what the hits of the question are about.

import { facets, Trouble } from "./api";
import { filtered, toAddress, type Ask } from "./address";
import { placeName } from "./card";
import { el } from "./dom";
import { kindName } from "./kinds";
import type { Count, Facets } from "./types";

/** Of each kind so many are shown; the others are folded. */
const SHOWN = 8;
/** So many of a question's hits the service counts, at most. */
const COUNTED = 200;

/** What can be chosen for the question asked last: setting a filter does not change it. */
let known: { q: string; found: Facets } | undefined;

/** Wide enough for filters beside the hits. */
const wide = window.matchMedia("(min-width: 64rem)");

/** The filters that are set, each to be taken off. */
export function chosen(ask: Ask): HTMLElement | false {
  if (!filtered(ask)) return false;
  const off = (label: string, without: Partial<Ask>) =>
    el(
      "li",
      {},
      el(
        "a",
        { href: toAddress({ kind: "ask", ask: { ...ask, ...without } }), class: "chip", "aria-label": `去掉筛选：${label}` },
        label,
        el("span", { "aria-hidden": "true" }, " ×"),
      ),
    );
  return el(
    "ul",
    { class: "chips", "aria-label": "已选的筛选" },
    ...ask.regions.map((region) => off(placeName(region), { regions: ask.regions.filter((one) => one !== region) })),
    ...ask.years.map((year) => off(`${year}年`, { years: ask.years.filter((one) => one !== year) })),
    ...ask.kinds.map((kind) => off(kindName(kind), { kinds: ask.kinds.filter((one) => one !== kind) })),
    ...ask.strange.map(([, value], at) => off(value, { strange: ask.strange.filter((_, other) => other !== at) })),
    ...ask.sources.map((source) => off(source, { sources: ask.sources.filter((one) => one !== source) })),
  );
}

/** The box of filters; asks for what can be chosen when it is first opened, which it is where there is room. */
export class Filters {
  readonly element: HTMLDetailsElement;
  private readonly body = el("div", { class: "filter-body" });
  private asked = false;

  constructor(
    private readonly ask: Ask,
    private readonly apply: (ask: Ask) => void,
    private readonly signal: AbortSignal,
  ) {
    const count = ask.regions.length + ask.years.length + ask.kinds.length + ask.sources.length;
    this.element = el("details", { class: "filters" }, el("summary", {}, count > 0 ? `筛选（已选 ${count} 项）` : "筛选"), this.body);
    this.element.addEventListener("toggle", () => {
      if (this.element.open) void this.load();
    });
  }

  /** Opens it where there is room; called once the hits are painted, so that they wait for nothing. */
  settle(): void {
    if (wide.matches) this.element.open = true;
  }

  private async load(): Promise<void> {
    if (this.asked) return;
    this.asked = true;
    try {
      const { q } = this.ask;
      const found = known?.q === q ? known.found : await facets(this.ask, this.signal);
      known = { q, found };
      this.body.replaceChildren(...this.groups(found));
    } catch (cause) {
      this.asked = false;
      if (cause instanceof Trouble && cause.code === "SUPERSEDED") return;
      this.body.replaceChildren(el("p", { class: "hint" }, "筛选暂时取不到，合上再打开可以重试。"));
    }
  }

  private groups(found: Facets): HTMLElement[] {
    const { ask } = this;
    const toggled = <T>(list: T[], value: T, on: boolean) => (on ? [...list, value] : list.filter((one) => one !== value));
    const groups = [
      this.group("地区", found, found.regions, ask.regions, placeName, (value, on) => ({ regions: toggled(ask.regions, value, on) })),
      this.group("年份", found, found.years, ask.years.map(String), (year) => `${year}年`, (value, on) => ({
        years: toggled(ask.years, Number(value), on),
      })),
      this.group("完整程度", found, found.kinds, ask.kinds, kindName, (value, on) => ({ kinds: toggled(ask.kinds, value, on) })),
      this.group("来源", found, found.sources, ask.sources, (name) => name, (value, on) => ({ sources: toggled(ask.sources, value, on) })),
    ];
    const made = groups.filter((group): group is HTMLFieldSetElement => group !== undefined);
    const counted = el("p", { class: "hint" }, `篇数是在前 ${COUNTED} 条结果（共 ${found.total} 篇文章）里数的。`);
    return made.length > 0 ? [counted, ...made] : [el("p", { class: "hint" }, "这些内容没有注明地区、年份和来源。")];
  }

  private group(
    name: string,
    { total }: Facets,
    counts: Count[],
    set: string[],
    label: (value: string) => string,
    change: (value: string, on: boolean) => Partial<Ask>,
  ): HTMLFieldSetElement | undefined {
    const unlisted = set.filter((value) => !counts.some((count) => count.value === value));
    const all: (Count | { value: string; count?: number })[] = [...unlisted.map((value) => ({ value })), ...counts];
    // What holds of all of them chooses nothing.
    const [only] = counts;
    if (all.length === 0 || (set.length === 0 && counts.length === 1 && only?.count === total)) return undefined;
    const box = ({ value, count }: { value: string; count?: number }) =>
      el(
        "label",
        { class: "pick" },
        el("input", {
          type: "checkbox",
          checked: set.includes(value),
          onchange: (event) => this.apply({ ...this.ask, ...change(value, (event.target as HTMLInputElement).checked) }),
        }),
        el("span", {}, label(value)),
        count !== undefined && el("small", {}, ` ${count} 篇`),
      );
    const [first, rest] = [all.slice(0, SHOWN), all.slice(SHOWN)];
    return el(
      "fieldset",
      {},
      el("legend", {}, name),
      ...first.map(box),
      rest.length > 0 &&
        el("details", { class: "fold", open: rest.some(({ value }) => set.includes(value)) }, el("summary", {}, `更多${name}`), ...rest.map(box)),
    );
  }
}
