// A hundred texts that would do harm if they were taken for anything but text, or break what stands around them.

const payloads = [
  "alert(1)", "document.title='x'", "document.body.remove()", "location='https://example.org'", "window.harmed=1",
];
const wrappers = [
  (js) => `<script>${js}</script>`,
  (js) => `<img src=x onerror="${js}">`,
  (js) => `<svg onload="${js}"></svg>`,
  (js) => `<iframe srcdoc="<script>parent.${js}</script>"></iframe>`,
  (js) => `"><body onload=${js}>`,
  (js) => `</p></article></main><h1 onclick=${js}>`,
  (js) => `javascript:${js}`,
  (js) => `<a href="javascript:${js}">点我</a>`,
  (js) => `<style>*{display:none}</style><details open ontoggle=${js}>`,
  (js) => `{{constructor.constructor("${js}")()}} \${${js}} <%= ${js} %>`,
];
const markup = wrappers.flatMap((wrap) => payloads.map(wrap));

const others = [
  "<!-- 注释没有关", "]]><![CDATA[", "&lt;script&gt;&amp;&#x3c;b&#x3e;", "<b>粗体</b><i>斜体", "<meta http-equiv=refresh content=0>",
  "<base href=https://example.org>", "<link rel=stylesheet href=https://example.org/x.css>", "<form action=https://example.org><input>",
  "<object data=x></object><embed src=x>", "<math><mtext><table><mglyph><style><img src=x onerror=window.harmed=1>",
  // Reading direction.
  "犹豫期\u202E天01\u202C为准", "\u2067مرحبا\u2069 和 שלום 混排", "\u200F\u200E\u061C左右", "\u202A\u202B\u202D\u202E".repeat(50), "\u2066没有关的隔离",
  "שלום".repeat(30), "مرحبا بالعالم ".repeat(20), "\u2068".repeat(200) + "到底", "a\u202Eb\u202Ec\u202Ed", "\u202Egpj.exe",
  // What cannot be seen.
  "零\u200B宽\u200C字\u200D符\uFEFF", "\u0000\u0001\u0008\u001B[31m红\u001B[0m", "软\u00AD连\u00AD字", "\u{E0001}\u{E0041}\u{E0042}标签", "\u2028行\u2029段\u0085",
  "\uFFF9注\uFFFA释\uFFFB", "\uFFFD\uFFFE", "\t\t\t", "\r\n\r\n\r\n换行", " ".repeat(2000) + "空格之后",
  // Size and shape.
  "A".repeat(3000), "保".repeat(3000), "https://example.org/" + "a".repeat(1500), "1234567890".repeat(200), "_".repeat(1000),
  "‑".repeat(800), "😀".repeat(500), "👨‍👩‍👧‍👦".repeat(120), "Z" + "\u0300\u0301\u0302\u0303\u0304".repeat(200), "﷽".repeat(60),
  "𒐫".repeat(100), "㍿㌀㌫".repeat(200), "| a | b |\n|---|---|\n".repeat(60), "# ".repeat(300) + "标题", "- ".repeat(300),
  "\n".repeat(1000) + "末行", "word ".repeat(800), "𠮷𡃁𪚥".repeat(200), "é".repeat(500) + "e\u0301".repeat(500), "\\u003cscript\\u003e\\x3c\\0",
];

/** The texts. */
export const HOSTILE = [...markup, ...others];
