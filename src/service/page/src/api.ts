// Asks the service and turns whatever goes wrong into a `Trouble` that can be shown. The only file that fetches.

import type { Analysis, Article, Facets, QuestionsToReview, ReadFile, SearchResponse, SimilarArticle, Sources, Stats, Suggestion } from "./types";
import type { Ask } from "./address";

/** A question may be as long. */
export const LONGEST = 1000;
/** Hits asked for at a time. */
export const PAGE = 10;
/** The service passes over no more hits than these. */
export const DEEPEST = 10000;
/** Nobody waits longer for an answer. */
const PATIENCE_MS = 20_000;
/** A document may take half a minute to read, behind another one; after a minute the service itself says that it took too long. */
const READ_PATIENCE_MS = 65_000;
/** Where a token that was typed in lasts: this tab. */
const TOKEN = "baowen-token";

/** Something that went wrong, in the words of the service's error codes. `AWAY` is ours: nothing answered. */
export class Trouble extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly field = "",
  ) {
    super(message);
  }
}

/** Keeps a token for the calls of this tab. */
export function useToken(token: string): void {
  sessionStorage.setItem(TOKEN, token);
}

/** Whether calls of this tab carry a token. */
export function hasToken(): boolean {
  return sessionStorage.getItem(TOKEN) !== null;
}

async function call<T>(path: string, signal: AbortSignal | undefined, body?: unknown, patience = PATIENCE_MS): Promise<T> {
  return take(path, signal, body, (response) => response.json() as Promise<T>, patience);
}

async function take<T>(
  path: string,
  signal: AbortSignal | undefined,
  body: unknown,
  read: (response: Response) => Promise<T>,
  patience = PATIENCE_MS,
): Promise<T> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort("slow"), patience);
  const passOn = () => stop.abort("superseded");
  signal?.addEventListener("abort", passOn);
  if (signal?.aborted) passOn();
  try {
    const headers: Record<string, string> = {};
    const token = sessionStorage.getItem(TOKEN);
    if (token) headers["authorization"] = `Bearer ${token}`;
    if (body !== undefined) headers["content-type"] = "application/json";
    const init: RequestInit = { headers, signal: stop.signal, credentials: "same-origin" };
    if (body !== undefined) {
      init.method = "POST";
      init.body = JSON.stringify(body);
    }
    const response = await fetch(path, init);
    if (response.ok) return await read(response);
    throw await refusal(response);
  } catch (cause) {
    if (cause instanceof Trouble) throw cause;
    if (signal?.aborted) throw new Trouble("SUPERSEDED", "");
    if (stop.signal.aborted) throw new Trouble("DEADLINE_EXCEEDED", "");
    throw new Trouble("AWAY", cause instanceof Error ? cause.message : "");
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", passOn);
  }
}

/** What an answer that is no success says; something between the service and us may have written it. */
async function refusal(response: Response): Promise<Trouble> {
  const byStatus: Record<number, string> = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "RESOURCE_EXHAUSTED",
    429: "RESOURCE_EXHAUSTED",
    501: "UNIMPLEMENTED",
    502: "AWAY",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
  };
  let said: { code?: unknown; message?: unknown; field?: unknown } = {};
  try {
    said = (await response.json()) as typeof said;
  } catch {
    // No JSON: the status says enough.
  }
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  return new Trouble(text(said?.code) || (byStatus[response.status] ?? "INTERNAL"), text(said?.message), text(said?.field));
}

/** Today as people here write it into a question: 去年 is counted from it. */
function today(): string {
  const now = new Date();
  const two = (number: number) => String(number).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

/** The hits of a question from `offset` on, each with its explanation. */
export function search(ask: Ask, offset: number, signal: AbortSignal): Promise<SearchResponse> {
  return call<SearchResponse>("/v1/search", signal, {
    query: ask.q,
    top_k: PAGE,
    offset,
    explain: true,
    exact: ask.exact,
    today: today(),
    filter: { regions: ask.regions, years: ask.years, sources: ask.sources, kinds: ask.kinds },
  });
}

/** What the hits of a question are about, whatever filters are set: they are chosen from it. */
export function facets(ask: Ask, signal: AbortSignal): Promise<Facets> {
  return call<Facets>(`/v1/facets?${new URLSearchParams({ q: ask.q, limit: "30" })}`, signal);
}

/** What the whole collection is about. */
export function collection(): Promise<Facets> {
  return call<Facets>("/v1/facets?limit=50", undefined);
}

/** Completions of what is typed. */
export async function suggest(typed: string, signal: AbortSignal): Promise<Suggestion[]> {
  const answer = await call<{ suggestions: Suggestion[] }>(`/v1/suggest?${new URLSearchParams({ q: typed, top_k: "8" })}`, signal);
  return answer.suggestions;
}

/** A whole article, which a long one comes in parts of. */
export async function article(id: string, signal: AbortSignal): Promise<Article> {
  // By a body: between here and the service some take an address apart at its slashes, however they are written.
  const from = (start?: number) => call<Article>("/v1/articles:get", signal, { article_id: id, ...(start !== undefined && { start }) });
  const { next_start, ...whole } = await from();
  for (let next = next_start; next !== undefined; ) {
    const part: Article = await from(next);
    whole.text += part.text;
    whole.passages.push(...part.passages);
    next = part.next_start;
  }
  return whole;
}

/** Articles like one. */
export async function similar(id: string, signal: AbortSignal): Promise<SimilarArticle[]> {
  const answer = await call<{ articles: SimilarArticle[] }>(`/v1/similar?${new URLSearchParams({ article_id: id, top_k: "6" })}`, signal);
  return answer.articles;
}

/** What the index is. */
export function stats(signal?: AbortSignal): Promise<Stats> {
  return call<Stats>("/v1/stats", signal);
}

/** The sources of the index. */
export function sources(): Promise<Sources> {
  return call<Sources>("/v1/sources", undefined);
}

/** The questions that an operator should look at. */
export function questionsToReview(): Promise<QuestionsToReview> {
  return call<QuestionsToReview>("/v1/questions", undefined);
}

/** The service's numbers, in the form of Prometheus. */
export function metrics(): Promise<string> {
  return take("/metrics", undefined, undefined, (response) => response.text());
}

/** What becomes of a file before it is indexed; its content as base64. */
export function readFile(name: string, content: string): Promise<ReadFile> {
  return call<ReadFile>("/v1/read", undefined, { name, content }, READ_PATIENCE_MS);
}

/** What becomes of a text before it is looked up. */
export function analyze(text: string): Promise<Analysis> {
  return call<Analysis>("/v1/analyze", undefined, { text });
}

