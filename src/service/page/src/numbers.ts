// Numbers as people read them. Those of 64 bits come as strings.

/** 12,345. */
export function count(value: string | number): string {
  return (typeof value === "string" ? BigInt(value) : value).toLocaleString("zh-CN");
}
