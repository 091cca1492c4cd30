// Whether an article is here as a whole, as the protocol names it and as it is shown.

const NAMES: Record<string, string> = { ARTICLE_KIND_FULL: "全文", ARTICLE_KIND_SUMMARY: "摘要" };

/** Whether the protocol has this kind. */
export function isKind(kind: string): boolean {
  return Object.keys(NAMES).includes(kind);
}

/** A kind as people read it. */
export function kindName(kind: string): string {
  return NAMES[kind] ?? kind;
}
