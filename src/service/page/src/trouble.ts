// What went wrong, said to people: what it means and what they can do. The service's own words are folded away.

import { LONGEST, Trouble, useToken } from "./api";
import { el } from "./dom";

interface Said {
  what: string;
  help: string;
  /** Whether asking the same again may do. */
  again: boolean;
}

function said(trouble: Trouble): Said {
  switch (trouble.code) {
    case "AWAY":
      return { what: "连不上查找服务", help: "请检查网络，过一会儿再试。", again: true };
    case "UNAVAILABLE":
      return { what: "服务还没有准备好", help: "多半正在启动或更新，过几秒再试。", again: true };
    case "RESOURCE_EXHAUSTED":
      return { what: "现在问的人太多", help: "服务一时忙不过来，过几秒再试。", again: true };
    case "DEADLINE_EXCEEDED":
    case "CANCELLED":
      return { what: "这次查找超时了", help: "服务没有及时回答，请再试一次；问题很长的话，可以缩短一些。", again: true };
    case "INVALID_ARGUMENT":
      return invalid(trouble);
    case "UNAUTHENTICATED":
      return { what: "这个服务要凭口令使用", help: "请填写管理员给您的口令。", again: false };
    case "PERMISSION_DENIED":
      return { what: "您的口令不能做这件事", help: "请换一个口令，或者联系管理员。", again: false };
    case "NOT_FOUND":
      return { what: "没有这篇文章", help: "它可能已经删除或改了编号，请回去重新查找。", again: false };
    case "UNIMPLEMENTED":
      return { what: "这个服务不会做这件事", help: "它的版本可能比页面旧，请联系管理员。", again: false };
    case "NOWHERE":
      return { what: "这个网址下没有内容", help: "请检查网址，或者在上面直接问一个问题。", again: false };
    case "PAGE":
      return { what: "这一页没有显示出来", help: "是页面出了故障。请重新打开；一直这样的话，请告诉管理员。", again: true };
    default:
      return { what: "服务出了故障", help: "不是您的问题。请稍后再试；一直这样的话，请告诉管理员。", again: true };
  }
}

function invalid(trouble: Trouble): Said {
  if (trouble.field === "query" || trouble.message.startsWith("query")) {
    return { what: "这个问题查不了", help: `问题要有文字或数字，最长 ${LONGEST} 字。`, again: false };
  }
  if (trouble.field.startsWith("filter") || trouble.message.startsWith("filter")) {
    return { what: "筛选条件不对", help: "库里没有这个地区或年份，请去掉筛选再查。", again: false };
  }
  return { what: "这次请求服务不接受", help: "请改一改问题，或者去掉筛选再查。", again: false };
}

/** What is put in place of an answer. `again` asks once more. Of several, one alone needs to take a token. */
export function troubled(cause: unknown, again: () => void, heading: "h1" | "h2" = "h2", takesToken = true): HTMLElement {
  const trouble = cause instanceof Trouble ? cause : new Trouble("PAGE", String(cause));
  const { what, help, again: worthwhile } = said(trouble);
  const box = el(
    "section",
    { class: "notice trouble", role: "alert" },
    el(heading, {}, what),
    el("p", {}, help),
    worthwhile && el("button", { type: "button", class: "plain", onclick: again }, "再试一次"),
  );
  if (["UNAUTHENTICATED", "PERMISSION_DENIED"].includes(trouble.code)) {
    box.append(takesToken ? tokenForm() : el("p", { class: "hint" }, "口令在这一页填一次就够了。"));
  }
  if (trouble.message) {
    box.append(el("details", { class: "fold" }, el("summary", {}, "给管理员看的"), el("p", {}, `${trouble.code} ${trouble.message}`)));
  }
  return box;
}

/** Of the forms of a page, each has an input of its own. */
let forms = 0;

/** Takes a token and begins the page anew with it: more of it may have been refused than this. */
function tokenForm(): HTMLElement {
  const id = `token-${++forms}`;
  const input = el("input", { type: "password", id, autocomplete: "off", required: true });
  return el(
    "form",
    {
      class: "token",
      onsubmit: (event) => {
        event.preventDefault();
        useToken(input.value.trim());
        location.reload();
      },
    },
    el("label", { for: id }, "口令（只在这个标签页里记住）"),
    input,
    el("button", { type: "submit", class: "plain" }, "使用"),
  );
}
