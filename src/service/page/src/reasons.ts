// What the reader takes left-out text for, in Chinese. A reason that is not here is shown as the reader says it.

const NAMES: Record<string, string> = {
  "above the title": "标题之上的文字",
  advertisement: "广告",
  "around the article": "正文周围的文字",
  aside: "侧栏",
  "behind the article": "正文之后的文字",
  "beside the records": "记录之外的内容",
  "beside the text": "正文之外的内容",
  comment: "批注",
  comments: "评论",
  credits: "署名、责编",
  dateline: "日期、来源行",
  "error page": "出错的网页",
  footer: "页脚",
  "form control": "表单控件",
  "frame of a post": "帖子的边框",
  frame: "嵌入的网页",
  "front matter": "文件头",
  "head of a letter": "信函抬头",
  hidden: "隐藏的文字",
  links: "链接",
  navigation: "导航",
  "no entry": "不成条目的文字",
  "not text": "不是文字",
  notice: "声明、提示",
  "page header": "页头",
  "page number": "页码",
  prompt: "提示语",
  "reading aid": "注音",
  "related entries": "相关条目",
  "running head": "每页重复的抬头",
  signature: "落款",
  "struck out": "划掉的文字",
  "table header": "表头",
  "table of contents": "目录",
  title: "标题",
  "title without text": "没有正文的标题",
  tools: "分享、打印等按钮",
  "without scripts": "不开脚本时才显示的文字",
};

/** Why the reader skipped a file or record, or read it otherwise than it should. */
const WHYS: Record<string, string> = {
  unreachable: "系统不让读，或者已经不在了",
  link: "是指向别处的链接，不跟过去读",
  no_article: "不是文章（备份、图片、程序、出错的网页之类）",
  empty: "里面没有内容",
  too_large: "太大了",
  format: "这种格式读不了，请另存为 .docx、.pdf、.html 或 .txt",
  encoding: "不是文字，或者有些字的编码坏了",
  document: "文档打不开，或者有一部分没有读",
  records: "表格或记录的格式坏了",
  record: "缺少成为一篇文章要有的内容，比如编号、正文",
  page: "网页太大或太复杂",
  field: "日期等栏目看不懂，没有收",
  little_kept: "收进来的很少，请看看没有收进的文字",
  duplicate: "编号已经属于另一篇文章",
  refused: "索引没有收下",
};

/** Why in Chinese; none for what an earlier program wrote. */
export function whyName(why: string): string | undefined {
  return WHYS[why];
}

/** A reason in Chinese, where it has a name. */
export function reasonName(reason: string): string {
  return NAMES[reason] ?? reason;
}
