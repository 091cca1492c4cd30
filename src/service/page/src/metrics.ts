// The service's numbers (/metrics, in the form of Prometheus) as a table for its operator. Knows their names;
// documented in docs/OPERATING.md.

import { el } from "./dom";

/** One number by name and labels. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** What may fail of an index that is written to and followed. */
const FAILURES = ["refresh", "write", "maintenance"].map((what) => `baowen_index_${what}_failures_total`);

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Reads the text form. Lines that are no samples are passed over. */
export function samples(text: string): Sample[] {
  const found: Sample[] = [];
  for (const line of text.split("\n")) {
    const [, name, inside, value] = LINE.exec(line) ?? [];
    if (!name || name.startsWith("#")) continue;
    const labels: Record<string, string> = {};
    for (const [, label, said] of (inside ?? "").matchAll(LABEL)) if (label) labels[label] = said ?? "";
    found.push({ name, labels, value: value === "+Inf" ? Infinity : Number(value) });
  }
  return found;
}

/** The bound of a histogram that a share of its values is not above; nothing if it has none. */
function below(all: Sample[], name: string, labels: Record<string, string>, share: number): number | undefined {
  const has = (one: Sample) => Object.entries(labels).every(([label, value]) => one.labels[label] === value);
  const buckets = all
    .filter((one) => one.name === `${name}_bucket` && has(one))
    .map((one) => ({ bound: one.labels["le"] === "+Inf" ? Infinity : Number(one.labels["le"]), count: one.value }))
    .sort((a, b) => a.bound - b.bound);
  const total = buckets.at(-1)?.count ?? 0;
  return total > 0 ? buckets.find(({ count }) => count >= share * total)?.bound : undefined;
}

function time(seconds: number | undefined): string {
  if (seconds === undefined) return "";
  if (seconds === Infinity) return "16 秒以上";
  return seconds < 1 ? `${Number((seconds * 1000).toPrecision(3))} 毫秒` : `${seconds.toFixed(1)} 秒`;
}

function long(seconds: number): string {
  const steps: [number, string][] = [
    [86_400, "天"],
    [3600, "小时"],
    [60, "分钟"],
  ];
  const [size, unit] = steps.find(([size]) => seconds >= size) ?? [1, "秒"];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** What the numbers say, as people would want to read it. */
export function ofMetrics(text: string): HTMLElement[] {
  const all = samples(text);
  const of = (name: string) => all.filter((one) => one.name === name);
  const sum = (name: string) => of(name).reduce((total, one) => total + one.value, 0);
  const number = (value: number) => value.toLocaleString("zh-CN");
  const [hits, misses] = [sum("baowen_answer_cache_hits_total"), sum("baowen_answer_cache_misses_total")];
  const [begun] = of("process_start_time_seconds");
  const refused = of("baowen_refused_total").filter((one) => one.value > 0);
  const reasons: Record<string, string> = { queue: "排队太多", token: "没有口令", right: "没有权限", rate: "问得太快", batch: "批量问题让位", host: "不认识的主机名" };
  const facts: [string, string][] = [
    ["状态", sum("baowen_ready") === 1 ? "正在回答" : "还没有准备好"],
    ["已运行", begun ? long(Math.max(0, Date.now() / 1000 - begun.value)) : ""],
    ["正在查找", `${number(sum("baowen_searches_in_flight"))} 个，连接 ${number(sum("baowen_connections"))} 个`],
    ["缓存", hits + misses > 0 ? `${number(hits + misses)} 个问题中 ${Math.round((100 * hits) / (hits + misses))}% 由缓存回答` : "还没有问题"],
    ["拒绝", refused.map((one) => `${reasons[one.labels["reason"] ?? ""] ?? one.labels["reason"]} ${number(one.value)} 次`).join("，") || "没有"],
    ["不完整的回答", `${number(sum("baowen_degraded_answers_total"))} 次（缺了语义、字词或重排）`],
    ["索引更新", `${long(sum("baowen_index_commit_age_seconds"))}前，失败 ${number(FAILURES.reduce((total, name) => total + sum(name), 0))} 次`],
    ["内存", sum("process_resident_memory_bytes") > 0 ? `${number(Math.round(sum("process_resident_memory_bytes") / 1e6))} MB` : ""],
  ];
  return [
    el(
      "dl",
      { class: "record" },
      ...facts.filter(([, value]) => value).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
    ),
    ...calls(all),
    ...stages(all),
  ];
}

function grid(label: string, head: string[], rows: string[][]): HTMLElement[] {
  if (rows.length === 0) return [];
  const numeric = (at: number) => (at > 0 ? "number" : undefined);
  return [
    el("h3", {}, label),
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
      el(
        "table",
        { class: "grid" },
        el("thead", {}, el("tr", {}, ...head.map((name, at) => el("th", { scope: "col", class: numeric(at) }, name)))),
        el(
          "tbody",
          {},
          ...rows.map(([name = "", ...values]) =>
            el("tr", {}, el("th", { scope: "row" }, name), ...values.map((value) => el("td", { class: "number" }, value))),
          ),
        ),
      ),
    ),
  ];
}

/** Calls by method: how many, how many failed, how long half of them and the slowest ones took. */
function calls(all: Sample[]): HTMLElement[] {
  const ended = all.filter((one) => one.name === "baowen_requests_total");
  const methods = [...new Set(ended.map((one) => one.labels["method"] ?? ""))];
  const rows = methods.map((method) => {
    const own = ended.filter((one) => one.labels["method"] === method);
    const count = (of: Sample[]) => of.reduce((total, one) => total + one.value, 0);
    const times = [0.5, 0.95, 0.99].map((share) => time(below(all, "baowen_request_duration_seconds", { method }, share)));
    const failed = count(own.filter((one) => !["OK", "0"].includes(one.labels["code"] ?? "")));
    return { total: count(own), row: [method === "other" ? "其他" : method, count(own).toLocaleString("zh-CN"), failed.toLocaleString("zh-CN"), ...times] };
  });
  rows.sort((a, b) => b.total - a.total);
  return grid("各个调用", ["调用", "次数", "失败", "一半不超过", "95% 不超过", "99% 不超过"], rows.map(({ row }) => row));
}

const STAGES: Record<string, string> = {
  analyze: "分析",
  embed: "向量",
  lexical: "字词",
  dense: "语义",
  fuse: "合并",
  rerank: "重排",
  assemble: "成文",
};

function stages(all: Sample[]): HTMLElement[] {
  const name = "baowen_search_stage_duration_seconds";
  const rows = Object.entries(STAGES)
    .map(([stage, label]) => [label, ...[0.5, 0.95, 0.99].map((share) => time(below(all, name, { stage }, share)))])
    .filter(([, half]) => half !== "");
  return grid("查找的各步", ["步骤", "一半不超过", "95% 不超过", "99% 不超过"], rows);
}
