// A client of Baowen's HTTP, for Node and for browsers alike: it needs nothing but fetch. The types name the fields
// that are read here; all of them stand in the service's /openapi.json, from which `npx openapi-typescript` makes
// types, too.
//
// Positions (`span`, `highlights`) count characters, not UTF-16 units: Array.from(text).slice(start, end).join("").
// A browser on another address needs to be let in by the service's CORS setting.

export interface Hit {
  article_id: string;
  passage_id: string;
  title: string;
  text: string;
  score: number;
  source?: string;
  published?: string;
  best_sentence?: { text: string; span: { start: number; end: number } };
}

export interface Answer {
  hits: Hit[];
  /** How likely it is that the collection answers the question; below 0.3 it probably does not. */
  answerable?: number;
  /** The question as it was read, if typing errors were corrected. */
  corrected: string;
  /** The place or year asked for that no hit is about, in a Chinese sentence. */
  missing?: { sentence: string };
}

export interface Question {
  query: string;
  top_k?: number;
  offset?: number;
  filter?: { regions?: string[]; years?: number[]; sources?: string[] };
}

/** What the service says when it refuses: `code` is a name such as INVALID_ARGUMENT. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly field: string,
    readonly help: string,
  ) {
    super(message);
  }
}

/** Codes of gRPC by their numbers, by which the questions of a batch name them. */
const CODES = [
  "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
  "DATA_LOSS", "UNAUTHENTICATED",
];

export class Baowen {
  constructor(
    private readonly base = "http://127.0.0.1:50051",
    private readonly token?: string,
  ) {}

  /** Answers a question. `signal` gives up early: AbortSignal.timeout(2000). */
  async search(question: Question, signal?: AbortSignal): Promise<Answer> {
    return (await (await this.post("/v1/search", question, signal)).json()) as Answer;
  }

  /** Answers many questions, in their order, each as soon as it is there. */
  async *searchMany(requests: Question[], signal?: AbortSignal): AsyncGenerator<Answer | Refused> {
    const response = await this.post("/v1/search:batch", { requests }, signal);
    for await (const { event, data } of events(response)) {
      if (event === "end") return;
      const said = JSON.parse(data);
      if (event === "error") throw new Refused(said.code, said.message, said.field, said.help);
      yield said.response ?? new Refused(CODES[said.error.code] ?? "UNKNOWN", said.error.message, said.error.field, said.error.help);
    }
    throw new Error("the answer broke off");
  }

  private async post(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (this.token) headers["authorization"] = `Bearer ${this.token}`;
    const response = await fetch(this.base + path, { method: "POST", headers, body: JSON.stringify(body), signal: signal ?? null });
    if (response.ok) return response;
    const said = await response.json();
    throw new Refused(said.code, said.message, said.field, said.help);
  }
}

/** Server-sent events of a response. */
async function* events(response: Response): AsyncGenerator<{ event: string; data: string }> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const whole = rest.split("\n\n");
    rest = whole.pop() ?? "";
    for (const one of whole) {
      const field = (name: string) =>
        one.split("\n").filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trimStart()).join("\n");
      if (field("data")) yield { event: field("event") || "message", data: field("data") };
    }
  }
}
