// Writes recorded.json: real answers of a service that holds the articles of index/sample, for tests without a service.
//   baowen serve --index index/data/demo --listen 127.0.0.1:50051
//   node record.mjs http://127.0.0.1:50051
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const base = process.argv[2];

/** Questions, and how many of their hits are kept. */
const QUESTIONS = { "医保断缴三个月还能报销吗": 23, "新生儿怎么参加医保": 4, "失业金能领几个月": 4 };
/** So many articles of the first question are kept whole. */
const WHOLE = 3;

async function ask(path, body) {
  const init = body && { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  const response = await fetch(base + path, init);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

const kept = { answers: {}, facets: {}, articles: {}, similar: {} };
for (const [query, top_k] of Object.entries(QUESTIONS)) {
  kept.answers[query] = await ask("/v1/search", { query, top_k, explain: true });
  kept.facets[query] = await ask(`/v1/facets?${new URLSearchParams({ q: query, limit: "30" })}`);
}
const [first] = Object.values(kept.answers);
for (const { article_id } of first.hits.slice(0, WHOLE)) {
  kept.articles[article_id] = await ask(`/v1/articles/${encodeURIComponent(article_id)}`);
  kept.similar[article_id] = await ask(`/v1/similar?${new URLSearchParams({ article_id, top_k: "3" })}`);
}
kept.stats = await ask("/v1/stats");
kept.sources = await ask("/v1/sources");
kept.sources.sources.forEach(({ source }) => source?.folder && (source.folder.root = "/data/sample"));
kept.analysis = await ask("/v1/analyze", { text: "医保断缴三个月还能报销吗" });
await writeFile(fileURLToPath(new URL("recorded.json", import.meta.url)), `${JSON.stringify(kept, null, 1)}\n`);
