// A service without an index: the built page with the headers of the real one, recorded answers, and answers made up
// for what a collection seldom gives (near copies, another place, faults, hostile texts). Questions choose which.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { FILES } from "./build.mjs";
import { HOSTILE } from "./hostile.mjs";

const dist = new URL("../../src/service/page/dist/", import.meta.url);
const recorded = JSON.parse(await readFile(new URL("recorded.json", import.meta.url), "utf8"));

export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; " +
  "form-action 'self'; frame-ancestors 'none'";
const TYPES = { ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8" };

/** Questions that the fixture answers. */
export const QUESTIONS = Object.keys(recorded.answers);
export const [LONG] = QUESTIONS;

/** Numbers of a service, as it gives them. */
const METRICS = `# HELP baowen_ready 1 while questions are answered.
# TYPE baowen_ready gauge
baowen_ready 1
baowen_requests_total{method="Search",code="OK"} 90
baowen_requests_total{method="Search",code="INVALID_ARGUMENT"} 10
baowen_request_duration_seconds_bucket{le="0.004",method="Search"} 50
baowen_request_duration_seconds_bucket{le="0.008",method="Search"} 96
baowen_request_duration_seconds_bucket{le="1.024",method="Search"} 99
baowen_request_duration_seconds_bucket{le="+Inf",method="Search"} 100
baowen_search_stage_duration_seconds_bucket{le="0.002",stage="embed"} 70
baowen_search_stage_duration_seconds_bucket{le="+Inf",stage="embed"} 70
baowen_answer_cache_hits_total 30
baowen_answer_cache_misses_total 70
baowen_refused_total{reason="queue"} 7
baowen_index_commit_age_seconds 7300
process_resident_memory_bytes 210000000
process_start_time_seconds 1
# EOF
`;

/** What the last run over a source did. */
const RUN = {
  source: "sample", ended_unix_seconds: "1764374400", added: "1200", updated: "3", unchanged: "36", moved: "0", deleted: "1", skipped: "22",
  first_skipped: [
    { path: "/data/sample/很长的文件夹名/".repeat(4) + "图.png", why: "no_article", reason: "is a picture; text in pictures is not read" },
    { path: "/data/sample/records.jsonl", line: 17, why: "", reason: HOSTILE[0] },
  ],
  left_out: [{ reason: "navigation", characters: "4321", files: "12" }, { reason: "something new", characters: "9", files: "1" }],
};

/** What becomes of files, by name; of all others the same. */
const READ = {
  "办法.html": {
    articles: [{
      id: "file/办法.html-0", title: "杭州医保断缴办法", text: `断缴三个月以内补缴的，待遇不中断。\n${"第二条很长。".repeat(300)}`, source: "杭州医保局", published: "2024-05-06",
      url: "https://example.org/一个很长的地址/".repeat(6), kind: "full", regions: ["浙江/杭州"], years: [2024], attributes: { 文号: HOSTILE[0] },
      passages: [{ heading: "总则", start: 0, end: 17, text: "断缴三个月以内补缴的，待遇不中断。" }, { heading: "", start: 18, end: 24, text: HOSTILE[1] }],
    }],
    kept_characters: 1817, left_out_characters: 40,
    left_out: [{ path: "办法.html", reason: "navigation", text: "首页 政策 办事" }, { path: "办法.html", reason: "footer", text: HOSTILE[2] }],
    noticed: [{ path: "办法.html", why: "little_kept", reason: "little was kept" }], skipped: [], left_off: 2, article_count: 1,
  },
};
// So long that not one article of it fits an answer.
READ["long.txt"] = { ...READ["办法.html"], articles: [], article_count: 3, left_off: 3 };
READ["axe.test.mjs"] = READ["办法.html"];
const REFUSED = {
  articles: [], kept_characters: 0, left_out_characters: 0, left_out: [], noticed: [],
  skipped: [{ path: "cut.pdf", why: "document", reason: "is damaged or made to do harm: its reader crashed" }], left_off: 0, article_count: 0,
};

const length = (text) => Array.from(text).length;

function hit(at, fields) {
  const text = fields.text ?? `第${at}段。犹豫期为20天，自签收保单次日起算。其余按合同。`;
  const sentence = fields.sentence ?? { start: 0, end: Math.min(length(text), 20) };
  const score = 100 - at;
  return {
    article_id: `made/${at}`, passage_id: `made/${at}#0`, title: `甲保险条款${at}`, text, score, heading: "",
    span: { start: 0, end: length(text) }, source: "示例", published: "2024-05-01", kind: "ARTICLE_KIND_FULL",
    highlights: [], title_highlights: [],
    best_sentence: { span: sentence, text: Array.from(text).slice(sentence.start, sentence.end).join("") },
    explanation: {
      lexical: { rank: at + 1, score: 20 - at, normalized: 0.5 - at / 20 }, dense: { rank: 9 - at, score: 0.5, normalized: 0.3 + at / 20 },
      terms: [{ term: "犹豫期", score: 2, synonym: false }], contributions: [{ name: "words", amount: 3 }, { name: "length", amount: -1 }],
      summary: "这一条说到了您问的“犹豫期”。\n排在第 1 位。",
    },
    duplicates: [], attributes: {}, regions: [], years: [], near_copies: [],
    ...Object.fromEntries(Object.entries(fields).filter(([name]) => name !== "sentence")),
  };
}

const answer = (hits, fields = {}) => ({ hits, candidates: String(hits.length), answerable: 0.9, corrected: "", lacking: [], ...fields });

/** Answers that are made up, by question. */
export const MADE = {
  犹豫期多少天: answer([
    hit(0, {
      text: "本合同的犹豫期为20天。", regions: ["浙江", "杭州/余杭区"], years: [2024],
      near_copies: [
        { passage_id: "made/1#0", title: "乙保险条款", difference: "犹豫期 20天 / 10天", newer: false },
        { passage_id: "made/9#0", title: "丙保险条款", difference: "" },
      ],
      duplicates: ["made/2#0", "made/8#2"],
    }),
    hit(1, { text: "本合同的犹豫期为10天。", title: "乙保险条款", years: [2019], attributes: { 时效性: "已失效" },
      near_copies: [{ passage_id: "made/0#0", title: "甲保险条款0", difference: "犹豫期 10天 / 20天", newer: true }],
    }),
    hit(2, { validity: { effective: "2020-01-01", expired: "2025-01-01", force: "FORCE_ENDED" } }),
    hit(3, { validity: { effective: "2099-01-01", force: "FORCE_NOT_YET" } }),
  ]),
  杭州2025年缴费比例: answer(
    [
      hit(0, { regions: ["广州"], years: [2019], applies: { place: "FIT_OTHER", year: "FIT_OTHER" } }),
      hit(1, { regions: ["杭州"], years: [2025], applies: { place: "FIT_SAME", year: "FIT_SAME" } }),
      hit(2, { kind: "ARTICLE_KIND_SUMMARY", applies: { place: "FIT_NOT_SAID", year: "FIT_NOT_SAID" }, best_sentence: undefined, title: "" }),
    ],
    { missing: { places: ["杭州"], years: [2025], nowhere: true, sentence: "没有找到杭州2025年的内容，以下有广州的。" } },
  ),
  阳台番茄叶子发黄: answer([hit(0, {}), hit(1, {})], { answerable: 0.02 }),
  说不准的问题: answer([hit(0, {})], { answerable: 0.45 }),
  什么都没有: answer([], { answerable: 0.01 }),
  yibao断交: answer([hit(0, {})], { corrected: "医保断交" }),
  两种医保的区别: answer([
    hit(0, {
      text: "# 区别\n两种医保不同。\n比较 | 职工 | 居民\n--- | --- | ---\n怎么缴 | 按月 | 按年\n- 不能两头参保",
      highlights: [{ start: 18, end: 20 }], sentence: { start: 42, end: 55 },
    }),
    hit(1, { text: "甲。\n- 保留职工医保，停掉居民医保。", sentence: { start: 3, end: 19 } }),
  ]),
  没有模型: answer([hit(0, {})], { degraded: "the question could not be embedded: no model", lacking: ["LACK_MEANING"], answerable: undefined }),
  怪文本: answer(
    HOSTILE.map((text, at) =>
      hit(at, {
        text, title: text, heading: text, source: text, url: text, regions: [text], attributes: { [text]: text },
        highlights: [{ start: 0, end: Math.min(3, length(text)) }], title_highlights: [{ start: 0, end: 1 }],
        near_copies: [{ passage_id: `${text}#0`, title: text, difference: text }], duplicates: [text], sentence: { start: 0, end: Math.min(length(text), 400) },
        explanation: { terms: [{ term: text, score: 1, synonym: true }], contributions: [{ name: text, amount: 1 }], summary: text },
      }),
    ),
    { corrected: "<script>window.harmed=1</script>", missing: { places: [], years: [], nowhere: false, sentence: "<img src=x onerror=window.harmed=1>" } },
  ),
};

/** Faults by question: status, code. */
export const FAULTS = {
  太多人: [429, "RESOURCE_EXHAUSTED"],
  没准备好: [503, "UNAVAILABLE"],
  超时: [504, "DEADLINE_EXCEEDED"],
  不接受: [400, "INVALID_ARGUMENT"],
  坏了: [500, "INTERNAL"],
  网关坏了: [502, undefined],
};
/** A question that only whoever has this token may ask. */
export const GUARDED = { question: "要口令", token: "open-sesame" };
/** A question whose connection breaks while `fixture.isBroken` is set. */
export const BROKEN = "断线";

/** An article of one table whose text comes in two parts and is more than a browser sets at once. */
const ROWS = Array.from({ length: 30_000 }, (_, at) => `第${at}行 | ${at}`);
const TABLE = ROWS.join("\n");
/** A row far behind the first part's end, as the passage that was found. */
export const FAR_ROW = 20_000;

function tablePart(start) {
  const end = start === 0 ? Math.floor(TABLE.length / 2) : TABLE.length;
  const from = ROWS.slice(0, FAR_ROW).join("\n").length + 1;
  const passage = { passage_id: "made/table#1", heading: "", span: { start: from, end: from + ROWS[FAR_ROW].length } };
  return {
    article_id: "made/table", title: "很长的表", text: TABLE.slice(start, end), kind: "ARTICLE_KIND_FULL", regions: [], years: [], attributes: {},
    passages: start === 0 ? [] : [passage], ...(start === 0 && { next_start: end }),
  };
}

/** Starts it on a free port; `requests` keeps what was asked. */
export async function startFixture() {
  const requests = [];
  // `isGuarded`: every call wants a token.
  const fixture = { isBroken: false, isGuarded: false };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => void handle(request, response, body));
  });
  const send = (response, status, value) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  const refuse = (response, status, code) => send(response, status, { code, message: "said in English", field: "", help: "" });

  const search = (request, response, { query, offset = 0, top_k = 10, filter = {} }) => {
    if (query === BROKEN && fixture.isBroken) return request.socket.destroy();
    if (query === GUARDED.question && request.headers.authorization !== `Bearer ${GUARDED.token}`) return refuse(response, 401, "UNAUTHENTICATED");
    const fault = FAULTS[query];
    if (fault?.[1]) return refuse(response, ...fault);
    if (fault) return response.writeHead(fault[0]).end("<html>bad gateway</html>");
    const whole = MADE[query] ?? recorded.answers[query] ?? answer([hit(0, {}), hit(1, {})]);
    const any = (wanted, has) => !wanted?.length || wanted.some((one) => has.includes(one));
    const passing = whole.hits.filter(
      (one) => any(filter.regions, one.regions) && any(filter.years, one.years) && any(filter.sources, [one.source]),
    );
    const most = query === "怪文本" ? 100 : top_k;
    send(response, 200, { ...whole, hits: passing.slice(offset, offset + most) });
  };

  async function handle(request, response, body) {
    const { pathname, searchParams } = new URL(request.url, "http://fixture");
    requests.push({ method: request.method, path: pathname, params: Object.fromEntries(searchParams), body: body && JSON.parse(body) });
    response.setHeader("content-security-policy", CSP);
    response.setHeader("x-content-type-options", "nosniff");
    const file = { "/": "index.html", "/admin": "admin.html", "/nowhere": "index.html" }[pathname] ?? pathname.slice(1);
    if (FILES.includes(file)) {
      response.writeHead(200, { "content-type": TYPES[extname(file)] });
      return response.end(await readFile(new URL(file, dist)));
    }
    if (fixture.isGuarded) return refuse(response, 401, "UNAUTHENTICATED");
    if (pathname === "/v1/search") return search(request, response, JSON.parse(body));
    if (pathname === "/v1/stats") return send(response, 200, recorded.stats);
    if (pathname === "/v1/questions") {
      const question = { unix_seconds: "1764374400", characters: 12, micros: "20500", hits: 3, answerable: 0.12, times: 1 };
      return send(response, 200, { slowest: [question], unanswered: [{ ...question, text: "火星上怎么交医保", times: 7 }] });
    }
    if (pathname === "/v1/sources") {
      const sources = [...recorded.sources.sources, { source: { name: "接口" }, articles: "2" }];
      return send(response, 200, { sources: sources.map((one, at) => (at === 0 ? { ...one, last_run: RUN } : one)) });
    }
    if (pathname === "/metrics") {
      response.writeHead(200, { "content-type": "application/openmetrics-text; version=1.0.0; charset=utf-8" });
      return response.end(METRICS);
    }
    if (pathname === "/v1/read") return send(response, 200, READ[JSON.parse(body).name] ?? REFUSED);
    if (pathname === "/v1/analyze") return send(response, 200, recorded.analysis);
    if (pathname === "/v1/facets") {
      const made = { total: 3, sources: [{ value: "示例", count: 3 }], regions: [{ value: "浙江", count: 2 }, { value: "杭州/余杭区", count: 1 }], years: [{ value: "2024", count: 1 }], kinds: [{ value: "ARTICLE_KIND_FULL", count: 2 }, { value: "ARTICLE_KIND_SUMMARY", count: 1 }] };
      return send(response, 200, recorded.facets[searchParams.get("q")] ?? made);
    }
    if (pathname === "/v1/suggest") {
      const typed = searchParams.get("q");
      const titles = QUESTIONS.filter((one) => one.includes(typed)).map((text) => ({ text, kind: "SUGGESTION_KIND_TITLE", count: 1 }));
      return send(response, 200, { suggestions: typed ? [...titles, { text: `${typed}补缴`, kind: "SUGGESTION_KIND_TERM", count: 3 }] : [] });
    }
    if (pathname === "/v1/similar") {
      return send(response, 200, recorded.similar[searchParams.get("article_id")] ?? { articles: [] });
    }
    if (pathname === "/v1/articles:get") {
      const { article_id: id, start = 0 } = JSON.parse(body);
      if (id === "made/table") return send(response, 200, tablePart(start));
      const at = /^made\/(\d+)$/.exec(id)?.[1];
      const known = recorded.articles[id] ?? (at && whole(Number(at)));
      return known ? send(response, 200, known) : refuse(response, 404, "NOT_FOUND");
    }
    return refuse(response, 404, "NOT_FOUND");
  }

  // An article around a made-up hit: hostile if the hit is.
  const whole = (at) => {
    const { article_id, passage_id, title, text, url, regions, attributes } = MADE.怪文本.hits[at] ?? hit(at, {});
    const before = "前一段。\n";
    const span = { start: length(before), end: length(before) + length(text) };
    return {
      article_id, title, text: `${before}${text}\n后一段。`, url, kind: "ARTICLE_KIND_FULL", regions, years: [2024], attributes,
      passages: [{ passage_id, heading: "", span }],
    };
  };

  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return Object.assign(fixture, {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    close: () => {
      server.closeAllConnections();
      return new Promise((closed) => server.close(closed));
    },
  });
}
