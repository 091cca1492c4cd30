// Where the articles come from, and what the last run over each source did.

import { el, type Child } from "./dom";
import { count } from "./numbers";
import { reasonName } from "./reasons";
import { ofSkippedFile } from "./skipped";
import type { Sources, SourceRun } from "./types";

/** What became of the articles, in one line; what did not happen is not said. */
function inShort(run: SourceRun): string {
  const parts: [string, string, string][] = [
    ["新增", run.added, "篇"],
    ["更新", run.updated, "篇"],
    ["未变", run.unchanged, "篇"],
    ["移动", run.moved, "篇"],
    ["删除", run.deleted, "篇"],
    ["跳过", run.skipped, "个文件或记录"],
  ];
  const said = parts.filter(([, number]) => Number(number) > 0).map(([what, number, unit]) => `${what} ${count(number)} ${unit}`);
  return said.length > 0 ? said.join("，") : "没有文章";
}

function ofSkipped(run: SourceRun): Child {
  if (Number(run.skipped) === 0) return null;
  const more = Number(run.skipped) - run.first_skipped.length;
  return el(
    "details",
    { class: "fold" },
    el("summary", {}, `跳过了什么（${count(run.skipped)}）`),
    el(
      "ul",
      {},
      ...run.first_skipped.map(ofSkippedFile),
    ),
    more > 0 && el("p", { class: "hint" }, `还有 ${count(more)} 个没有列出。`),
  );
}

function ofLeftOut(run: SourceRun): Child {
  if (run.left_out.length === 0) return null;
  const all = run.left_out.reduce((sum, { characters }) => sum + Number(characters), 0);
  return el(
    "details",
    { class: "fold" },
    el("summary", {}, `没有收进文章的文字（${count(all)} 字）`),
    el(
      "ul",
      {},
      ...run.left_out.map(({ reason, characters, files }) =>
        el("li", {}, `${reasonName(reason)} ${count(characters)} 字，${count(files)} 个文件`),
      ),
    ),
  );
}

function ofRun(run: SourceRun | undefined): HTMLElement {
  if (!run) return el("p", { class: "hint" }, "没有读入的记录。");
  const ended = new Date(Number(run.ended_unix_seconds) * 1000);
  return el(
    "div",
    {},
    el(
      "p",
      {},
      "最近一次写入 ",
      el("time", { datetime: ended.toISOString() }, ended.toLocaleString("zh-CN")),
      `：${inShort(run)}。`,
    ),
    ofSkipped(run),
    ofLeftOut(run),
  );
}

/** The sources, each with its last run. */
export function ofSources(found: Sources): HTMLElement {
  if (found.sources.length === 0) return el("p", { class: "hint" }, "还没有来源。");
  return el(
    "ul",
    { class: "sources" },
    ...found.sources.map(({ source, articles, last_run }) =>
      el(
        "li",
        {},
        el("h3", {}, `${source?.name ?? ""} ${count(articles)} 篇`),
        el("p", { class: "hint" }, source?.folder ? source.folder.root + (source.folder.files_only ? "（不含子文件夹）" : "") : "由接口写入"),
        ofRun(last_run),
      ),
    ),
  );
}
