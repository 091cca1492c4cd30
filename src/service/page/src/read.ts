// The form that tries a file: what would be kept of it, what not and why.

import { readFile } from "./api";
import { byId, el, type Child } from "./dom";
import { count } from "./numbers";
import { reasonName } from "./reasons";
import { ofSkippedFile } from "./skipped";
import type { ReadArticle, ReadFile, SkippedFile } from "./types";

/** A larger file is not sent: with what is around it, the service would refuse it. */
const LARGEST = 6_000_000;
/** So many articles are shown, and so many texts that were left out. */
const SHOWN = 50;
/** So many characters are shown of a text. */
const LONG = 20_000;

function cut(text: string): string {
  const all = Array.from(text);
  return all.length <= LONG ? text : `${all.slice(0, LONG).join("")}……（还有 ${count(all.length - LONG)} 字没有显示）`;
}

function ofArticle(article: ReadArticle): HTMLElement {
  const facts: [string, string][] = [
    ["日期", article.published ?? ""],
    ["发布者", article.source ?? ""],
    ["地址", article.url ?? ""],
    ["种类", article.kind === "summary" ? "摘要" : ""],
    ["地区", article.regions.map((one) => one.replaceAll("/", "")).join("、")],
    ["年份", article.years.join("、")],
    ...Object.entries(article.attributes),
  ];
  return el(
    "section",
    { class: "read" },
    el("h3", {}, article.title || "（没有标题）"),
    el(
      "dl",
      { class: "record" },
      ...facts.filter(([, value]) => value).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
    ),
    el("div", { class: "text", tabindex: "0", role: "group", "aria-label": "正文" }, cut(article.text)),
    el(
      "details",
      { class: "fold" },
      el("summary", {}, `分成的段落（${count(article.passages.length)}）`),
      el(
        "ol",
        {},
        ...article.passages
          .slice(0, SHOWN)
          .map((passage) => el("li", {}, passage.heading && el("b", {}, `${passage.heading}：`), cut(passage.text))),
      ),
      ofRest(article.passages.length),
    ),
  );
}

function ofRest(all: number): Child {
  return all > SHOWN && el("p", { class: "hint" }, `还有 ${count(all - SHOWN)} 个没有列出。`);
}

function ofReasons(name: string, all: SkippedFile[]): Child[] {
  if (all.length === 0) return [];
  return [el("h3", {}, name), el("ul", { class: "read" }, ...all.slice(0, SHOWN).map(ofSkippedFile)), ofRest(all.length)];
}

function ofFile(found: ReadFile): HTMLElement[] {
  const short =
    found.article_count === 0
      ? "没有读出文章。"
      : `${count(found.article_count)} 篇文章，收进 ${count(found.kept_characters)} 字，没有收进 ${count(found.left_out_characters)} 字。`;
  const box = el(
    "div",
    {},
    el("p", {}, short),
    found.left_off > 0 && el("p", { class: "hint" }, `内容太多，有 ${count(found.left_off)} 处没有送来。`),
    ...ofReasons("没有读的", found.skipped),
    ...ofReasons("读了但要留意的", found.noticed),
    ...found.articles.slice(0, SHOWN).map(ofArticle),
    ofRest(found.articles.length),
    found.left_out.length > 0 && el("h3", {}, "没有收进文章的文字"),
    ...found.left_out
      .slice(0, SHOWN)
      .map(({ reason, text }) => el("div", { class: "left-out" }, el("b", {}, reasonName(reason)), el("p", {}, cut(text)))),
    ofRest(found.left_out.length),
  );
  return [box];
}

/** A file as the service takes it in JSON. */
function base64(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onerror = () => reject(reader.error ?? new Error("the file cannot be read"));
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,?/, ""));
    reader.readAsDataURL(file);
  });
}

/** What became of the file that is chosen. */
export async function ofChosen(): Promise<HTMLElement[]> {
  const file = byId<HTMLInputElement>("file").files?.[0];
  if (!file) return [el("p", { class: "hint" }, "请先选一个文件。")];
  if (file.size > LARGEST) {
    return [el("p", { class: "hint" }, `这个文件太大，这里最多 ${count(LARGEST / 1_000_000)} MB；更大的在命令行里用 baowen read。`)];
  }
  return ofFile(await readFile(file.name, await base64(file)));
}
