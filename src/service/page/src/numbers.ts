// Numbers as people read them. Those of 64 bits come as strings.

/** 12,345. */
export function count(value: string | number): string {
  return Number(value).toLocaleString("zh-CN");
}
