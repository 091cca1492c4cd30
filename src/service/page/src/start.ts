// What stands on the page before anything was asked: examples.

import { asked, toAddress } from "./address";
import { el } from "./dom";

/** Questions as people ask them, of the kinds that articles in a collection like this answer. */
const EXAMPLES = [
  "医保断缴三个月还能报销吗",
  "离职了没有新单位，医保怎么自己交",
  "在外地住院能直接报销吗",
  "新生儿怎么参加医保",
  "医保卡里的钱能给家人用吗",
  "失业金能领几个月",
];

/** The examples. */
export function start(main: HTMLElement): void {
  main.replaceChildren(
    el("h1", { class: "unseen" }, "问一个问题"),
    el(
      "section",
      { class: "examples", "aria-labelledby": "examples" },
      el("h2", { id: "examples" }, "可以这样问"),
      el("ul", {}, ...EXAMPLES.map((q) => el("li", {}, el("a", { href: toAddress({ kind: "ask", ask: asked(q) }) }, q)))),
      el("p", { class: "hint" }, "用平常说话的样子问就行。写上地方和年份，答案会更准。"),
    ),
  );
}
