// What the service answers: the proto3 JSON form of proto/baowen/v1/search.proto, fields that the page reads.
// 64-bit numbers are strings there. Positions count characters (Unicode scalar values), not UTF-16 units.

export interface Span {
  start: number;
  end: number;
}

export type Fit = "FIT_UNSPECIFIED" | "FIT_SAME" | "FIT_WIDER" | "FIT_OTHER" | "FIT_NOT_SAID";

export interface RankPart {
  rank?: number;
  score: number;
  normalized: number;
}

export interface Explanation {
  lexical?: RankPart;
  dense?: RankPart;
  reranker?: RankPart;
  terms: { term: string; score: number; synonym: boolean }[];
  contributions: { name: string; amount: number }[];
  swap_weight?: number;
  summary: string;
}

export interface NearCopy {
  passage_id: string;
  title: string;
  difference: string;
  newer?: boolean;
}

/** From when to when an article holds; the second day is the first on which it does not. */
export interface Validity {
  effective?: string;
  expired?: string;
  force: "FORCE_UNSPECIFIED" | "FORCE_HOLDS" | "FORCE_ENDED" | "FORCE_NOT_YET";
}

export interface Hit {
  article_id: string;
  passage_id: string;
  title: string;
  text: string;
  score: number;
  heading: string;
  source?: string;
  url?: string;
  published?: string;
  kind: string;
  highlights: Span[];
  title_highlights: Span[];
  best_sentence?: { span: Span; text: string };
  explanation?: Explanation;
  duplicates: string[];
  attributes: Record<string, string>;
  regions: string[];
  years: number[];
  applies?: { place: Fit; year: Fit; product: Fit };
  near_copies: NearCopy[];
  validity?: Validity;
}

export interface SearchResponse {
  hits: Hit[];
  lacking: string[];
  answerable?: number;
  candidates: string;
  timings?: { total_micros: string; cached: boolean };
  corrected: string;
  missing?: { places: string[]; years: number[]; products: string[]; nowhere: boolean; sentence: string };
}

export interface Article {
  article_id: string;
  title: string;
  text: string;
  source?: string;
  url?: string;
  published?: string;
  kind: string;
  regions: string[];
  years: number[];
  attributes: Record<string, string>;
  passages: { passage_id: string; heading: string; span: Span }[];
  /** Where a long article goes on. */
  next_start?: number;
}

export interface SimilarArticle {
  article_id: string;
  passage_id: string;
  title: string;
  text: string;
  source?: string;
  published?: string;
}

export interface Count {
  value: string;
  count: number;
}

export interface Facets {
  total: number;
  sources: Count[];
  regions: Count[];
  years: Count[];
  kinds: Count[];
}

export interface Suggestion {
  text: string;
  kind: string;
  article_id?: string;
}

export interface Stats {
  articles: string;
  passages: string;
  segments: string;
  graphs: string;
  bytes: string;
  commit: string;
  model: string;
  analysis: string;
  writes: boolean;
}

export interface SkippedFile {
  path: string;
  line?: number;
  /** Empty in what an earlier program wrote. */
  why: string;
  reason: string;
}

export interface ReadArticle {
  id: string;
  title: string;
  text: string;
  url?: string;
  source?: string;
  published?: string;
  kind: string;
  regions: string[];
  years: number[];
  attributes: Record<string, string>;
  passages: { heading: string; start: number; end: number; text: string }[];
}

export interface ReadFile {
  articles: ReadArticle[];
  kept_characters: number;
  left_out: { path: string; reason: string; text: string }[];
  left_out_characters: number;
  noticed: SkippedFile[];
  skipped: SkippedFile[];
  left_off: number;
  article_count: number;
}

export interface SourceRun {
  ended_unix_seconds: string;
  added: string;
  updated: string;
  unchanged: string;
  moved: string;
  deleted: string;
  skipped: string;
  first_skipped: SkippedFile[];
  left_out: { reason: string; characters: string; files: string }[];
}

export interface Sources {
  sources: {
    source?: { name: string; folder?: { root: string; files_only: boolean } };
    articles: string;
    last_run?: SourceRun;
  }[];
}

export interface QuestionToReview {
  unix_seconds: string;
  text?: string;
  characters: number;
  micros: string;
  hits: number;
  answerable?: number;
  times: number;
}

export interface QuestionsToReview {
  slowest: QuestionToReview[];
  unanswered: QuestionToReview[];
}

export interface Analysis {
  normalized: string;
  corrected: string;
  words: { text: string }[];
  bigrams: { text: string }[];
  terms: { text: string; stream: string; weight: number; origin: string }[];
  dropped: string[];
  regions: string[];
  years: number[];
  sentences: string[];
  fingerprint: string;
}
