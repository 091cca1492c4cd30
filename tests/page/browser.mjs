// A headless Chromium whose pages report whatever should not happen: errors, violations of the policy, requests
// elsewhere.
import assert from "node:assert/strict";
import puppeteer from "puppeteer-core";

export const PHONE = { width: 360, height: 740 };
export const DESK = { width: 1280, height: 900 };

/** Starts the browser: without its sandbox, which it cannot have as root and in most containers; it sees our pages only. */
export function startBrowser() {
  return puppeteer.launch({
    executablePath: process.env.BAOWEN_BROWSER || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=zh-CN"],
  });
}

/** Opens an address; `use` gets the page, and nothing untoward may have happened when it is done. */
export async function withPage(browser, base, path, { viewport = PHONE, scheme = "light", script = true, faults = false } = {}, use) {
  const context = await browser.createBrowserContext();
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const wrong = [];
    page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
    page.on("dialog", (dialog) => {
      wrong.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("console", (message) => {
      // A refused call is said on the console by the browser itself.
      if (message.type() === "error" && !(faults && /Failed to load resource/.test(message.text()))) wrong.push(`console: ${message.text()}`);
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(`${base}/`) && !request.url().startsWith("data:")) wrong.push(`request: ${request.url()}`);
    });
    await page.setViewport(viewport);
    await page.setJavaScriptEnabled(script);
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.goto(base + path);
    if (script) await settled(page);
    await use(page, wrong);
    assert.deepEqual(wrong, []);
  } finally {
    await context.close();
  }
}

/** Waits until nothing on the page is on its way. */
export async function settled(page) {
  await page.waitForFunction(() => document.querySelector("[aria-busy]") && !document.querySelector("[aria-busy=true]"));
}

/** Texts of all elements of a selector. */
export function texts(page, selector) {
  return page.$$eval(selector, (all) => all.map((one) => one.textContent.trim()));
}

/** The text of the first one; empty if there is none. */
export async function text(page, selector) {
  return (await texts(page, selector))[0] ?? "";
}

/** Asserts that nothing lies beyond the sides of the page. */
export async function fits(page, what) {
  const [wide, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(wide <= inner, `${what}: ${wide} pixels wide in ${inner}`);
}
