// axe finds nothing on any view, on a phone and on a desk, in light and in dark, with everything unfolded.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { FAULTS, LONG, startFixture } from "./fixture.mjs";
import { DESK, PHONE, settled, startBrowser, withPage } from "./browser.mjs";

let browser;
let fixture;
before(async () => {
  fixture = await startFixture();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await fixture?.close();
});

const asking = (q) => `/?q=${encodeURIComponent(q)}`;
const VIEWS = {
  start: "/",
  answers: asking(LONG),
  tables: asking("两种医保的区别"),
  "near copies": asking("犹豫期多少天"),
  warnings: asking("杭州2025年缴费比例"),
  "filters set": `${asking(LONG)}&year=2025`,
  unlikely: asking("阳台番茄叶子发黄"),
  none: asking("什么都没有"),
  trouble: asking(Object.keys(FAULTS)[0]),
  token: asking("要口令"),
  article: "/?article=sample%2Fgap-effects.md&passage=sample%2Fgap-effects.md%230",
  admin: "/admin",
};

/** Views that are tried in one scheme for each width: their colours and shapes are those of the others. */
const ALIKE = ["filters set", "none", "token", "tables"];

for (const viewport of [PHONE, DESK]) {
  for (const scheme of ["light", "dark"]) {
    test(`axe at ${viewport.width} pixels, ${scheme}`, async () => {
      for (const [name, path] of Object.entries(VIEWS)) {
        if (ALIKE.includes(name) && (scheme === "dark") !== (viewport === DESK)) continue;
        await withPage(browser, fixture.url, path, { viewport, scheme, faults: true }, async (page) => {
          if (name === "admin") {
            await page.click("#try button");
            // The file is chosen by its name alone: the fixture looks at nothing else.
            await (await page.$("#file")).uploadFile(fileURLToPath(import.meta.url));
            await page.click("#read button");
            await page.waitForSelector("#reading h3");
          }
          else await settled(page);
          // Of cards that are all alike the first ones are enough.
          await page.$$eval("main details", (all) => all.forEach((one) => (one.open = !one.closest(".card:nth-child(n+4)"))));
          await page.$$eval(".card:nth-child(n+6)", (all) => all.forEach((one) => one.remove()));
          if (name === "start") {
            await page.type("#q", "医保");
            await page.waitForSelector("#completions li");
            await page.keyboard.press("ArrowDown");
          }
          await page.waitForNetworkIdle({ idleTime: 100 });
          // Through the debugger, since the page's policy lets no other script in.
          await page.evaluate(axe.source);
          const found = await page.evaluate(() =>
            window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
          );
          const said = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join(" | ")}`);
          assert.deepEqual(said, [], name);
          assert.ok(found.passes.length > 10);
        });
      }
    });
  }
}
