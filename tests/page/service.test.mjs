// The page as a running service serves it, at BAOWEN_PAGE_URL; skipped where none is named. Its collection is best that
// of index/sample, which answers the examples.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { CSP } from "./fixture.mjs";
import { fits, settled, startBrowser, text, texts, withPage } from "./browser.mjs";

const base = process.env.BAOWEN_PAGE_URL?.replace(/\/$/, "");
const skip = base ? false : "BAOWEN_PAGE_URL names no service";
const open = (path, options, use) => withPage(browser, base, path, options, use);
let browser;
before(async () => {
  if (base) browser = await startBrowser();
});
after(() => browser?.close());

test("both pages come with the policy, and nothing else may be loaded", { skip }, async () => {
  const directives = (policy) => policy.split(";").map((one) => one.trim().split(/\s+/).join(" ")).filter(Boolean).sort();
  for (const path of ["/", "/admin"]) {
    const response = await fetch(base + path);
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type"), /^text\/html/);
    const sent = directives(response.headers.get("content-security-policy"));
    for (const wanted of directives(CSP)) assert.ok(sent.includes(wanted), `${path}: ${wanted} is not in ${sent.join("; ")}`);
  }
});

test("every example is answered, filtered, opened, and gone back from", { skip }, async () => {
  await open("/", {}, async (page) => {
    const examples = await page.$$eval(".examples a", (all) => all.map((one) => one.getAttribute("href")));
    const took = [];
    for (const example of examples) {
      await page.goto(base + example);
      await settled(page);
      assert.ok((await page.$$(".card")).length > 0, example);
      assert.ok(await text(page, ".card .answer"), example);
      await page.waitForFunction(() => performance.getEntriesByName("baowen:painted").length > 0);
      took.push(
        await page.evaluate(() => {
          const answered = performance.getEntriesByType("resource").find((one) => one.name.endsWith("/v1/search"));
          return performance.getEntriesByName("baowen:painted")[0].startTime - answered.responseEnd;
        }),
      );
      await fits(page, example);
      await page.click(".filters > summary");
      await settled(page);
      await page.waitForFunction(() => document.querySelector(".filter-body").childElementCount > 0);
      assert.doesNotMatch(await text(page, ".filter-body"), /取不到/);
      await page.click(".card .title");
      await page.waitForSelector(".whole");
      await settled(page);
      assert.ok(await page.$("#found"), `${example}: the passage is not marked`);
      await page.waitForFunction(() => document.querySelector(".likes").childElementCount > 1);
      assert.doesNotMatch(await text(page, ".likes"), /取不到/);
      await page.goBack();
      await page.waitForSelector(".card");
    }
    console.log(`painted ${took.map((ms) => ms.toFixed(0)).join(", ")} ms after the answer`);
  });
});

test("a filter of the service's own is taken by it", { skip }, async () => {
  await open(`/?q=${encodeURIComponent("医保怎么缴费")}`, {}, async (page) => {
    await page.click(".filters > summary");
    await page.waitForFunction(() => document.querySelector(".filter-body").childElementCount > 0);
    const picks = await page.$$(".pick");
    if (picks.length === 0) return;
    const [first] = picks;
    await first.click();
    await page.waitForSelector(".chip");
    await settled(page);
    assert.ok(!(await page.$(".trouble")), await text(page, ".trouble"));
    assert.ok((await page.$$(".card")).length > 0);
  });
});

test("more hits, completions and what is refused come as the page expects them", { skip }, async () => {
  await open(`/?q=${encodeURIComponent("医保")}`, {}, async (page) => {
    await page.click(".more button");
    await page.waitForFunction(() => document.querySelectorAll(".card").length > 10);
    await page.$eval("#q", (input) => (input.value = ""));
    await page.type("#q", "医保");
    await page.waitForSelector("#completions li");
    assert.ok((await texts(page, "#completions li")).length > 0);
  });
  await open(`/?q=${encodeURIComponent("？？！")}`, { faults: true }, async (page) => {
    assert.equal(await text(page, ".trouble h1"), "这个问题查不了");
  });
  await open("/?article=nowhere%2Fnothing", { faults: true }, async (page) => {
    assert.equal(await text(page, ".trouble h1"), "没有这篇文章");
  });
});

test("the operator's page is filled", { skip }, async () => {
  await open("/admin", {}, async (page) => {
    await settled(page);
    assert.match(await text(page, "#stats"), /\d 篇.*\d 段/);
    assert.ok((await texts(page, "#sources h3")).length > 0);
    assert.match(await text(page, "#sources"), /最近一次写入 20\d\d.*新增 \d+ 篇/);
    // The page's own source is a file as good as any.
    await (await page.$("#file")).uploadFile(fileURLToPath(new URL("../../src/service/page/src/admin.html", import.meta.url)));
    await page.click("#read button");
    await page.waitForSelector("#reading h3");
    assert.match(await text(page, "#reading"), /[1-9]\d* 篇文章/);
    await page.click("#try button");
    await page.waitForSelector("#analysis .tokens");
    assert.match(await text(page, "#analysis"), /医保/);
  });
});
