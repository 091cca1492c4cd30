// Asks a running service, a question an argument:
//   npm ci && npm run ask -- "医保断缴了怎么办？" "生育津贴怎么领"
// BAOWEN_ADDRESS names another service than http://127.0.0.1:50051, BAOWEN_TOKEN what it wants to see.
import { Baowen, Refused, type Answer } from "./baowen.js";

/** The same bounds as the command line's. */
function doubt({ answerable = 1, hits }: Answer): string {
  if (hits.length === 0 || answerable < 0.3) return "库中多半没有这个问题的答案";
  return answerable < 0.6 ? "不确定库中有没有答案" : "";
}

function print(answer: Answer): void {
  const notes = [answer.corrected && `已按“${answer.corrected}”理解`, answer.missing?.sentence, doubt(answer)];
  for (const note of notes) if (note) console.log(`  ${note}`);
  for (const { title, best_sentence, text, source, published } of answer.hits) {
    console.log(`  · ${best_sentence?.text ?? text}`);
    console.log(`    ${[title, source, published].filter(Boolean).join(" · ")}`);
  }
}

const questions = process.argv.slice(2);
if (questions.length === 0) throw new Error('a question is missing: npm run ask -- "医保断缴了怎么办？"');

const baowen = new Baowen(process.env["BAOWEN_ADDRESS"], process.env["BAOWEN_TOKEN"]);
const asked = questions[Symbol.iterator]();
for await (const answer of baowen.searchMany(questions.map((query) => ({ query, top_k: 3 })))) {
  console.log(`问：${asked.next().value}`);
  if (answer instanceof Refused) console.log(`  ${answer.message}`);
  else print(answer);
}

// One question by itself, and what a refusal looks like.
try {
  await baowen.search({ query: "" });
} catch (cause) {
  if (!(cause instanceof Refused)) throw cause;
  console.log(`An empty question is refused: ${cause.code}, field ${cause.field}`);
}
