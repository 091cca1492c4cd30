// 1. What is committed is what the sources give. 2. It is small. 3. It can load nothing from elsewhere.
import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildPage, FILES } from "./build.mjs";

const dist = fileURLToPath(new URL("../../src/service/page/dist/", import.meta.url));
const src = fileURLToPath(new URL("../../src/service/page/src/", import.meta.url));

test("dist is what the sources give, byte for byte", async () => {
  const made = await mkdtemp(join(tmpdir(), "baowen-page-"));
  try {
    await buildPage(made);
    assert.deepEqual((await readdir(made)).sort(), FILES);
    assert.deepEqual((await readdir(dist)).sort(), FILES);
    for (const name of FILES) {
      const [here, fresh] = await Promise.all([readFile(join(dist, name)), readFile(join(made, name))]);
      assert.ok(here.equals(fresh), `${name} is not what its sources give: npm run build in tests/page, and commit it`);
    }
  } finally {
    await rm(made, { recursive: true });
  }
});

test("all of it is under 100 KB", async () => {
  const sizes = await Promise.all(FILES.map(async (name) => (await readFile(join(dist, name))).length));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  console.log(`dist: ${total} bytes`);
  assert.ok(total < 100_000, `${total} bytes`);
});

test("nothing is inline, nothing comes from elsewhere", async () => {
  for (const name of FILES.filter((one) => one.endsWith(".html"))) {
    const html = await readFile(join(dist, name), "utf8");
    assert.doesNotMatch(html, /\son\w+=|\sstyle=|<style|<script(?![^>]*\ssrc="\/)/, name);
    for (const [, address] of html.matchAll(/\s(?:src|href|action)="([^"]*)"/g)) {
      assert.match(address, /^(\/|#|data:)/, `${name}: ${address}`);
    }
  }
  assert.doesNotMatch(await readFile(join(dist, "page.css"), "utf8"), /url\(|@import/);
});

test("no source makes markup out of a string", async () => {
  const forbidden = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc|\beval\(|new Function/;
  for (const name of await readdir(src)) {
    assert.doesNotMatch(await readFile(join(src, name), "utf8"), forbidden, name);
  }
});

test("no two sources import each other", async () => {
  const names = (await readdir(src)).filter((name) => name.endsWith(".ts"));
  const imports = new Map();
  for (const name of names) {
    const text = await readFile(join(src, name), "utf8");
    assert.match(text, /^\/\/ /, `${name} does not say what it owns`);
    imports.set(name, [...text.matchAll(/from "\.\/(\w+)"/g)].map(([, one]) => `${one}.ts`));
  }
  const visit = (name, path) => {
    assert.ok(!path.includes(name), `a circle: ${[...path, name].join(" -> ")}`);
    for (const one of imports.get(name)) visit(one, [...path, name]);
  };
  for (const name of names) visit(name, []);
});

test("the parts of a score are named as the ranking names them", async () => {
  const features = await readFile(fileURLToPath(new URL("../../src/search/features.rs", import.meta.url)), "utf8");
  const why = await readFile(join(src, "why.ts"), "utf8");
  const named = [...features.matchAll(/name: "(\w+)",\s+label: "([^"]+)"/g)];
  assert.ok(named.length > 10);
  for (const [, name, label] of named) assert.ok(why.includes(`  ${name}: "${label}",`), `${name} is not ${label} in why.ts`);
});

test("why the reader does not read something has its name in Chinese", async () => {
  const [why, names] = await Promise.all([
    readFile(fileURLToPath(new URL("../../src/article/why.rs", import.meta.url)), "utf8"),
    readFile(join(src, "reasons.ts"), "utf8"),
  ]);
  const whys = [...why.matchAll(/Why::\w+ => "(\w+)"/g)];
  assert.ok(whys.length > 10);
  for (const [, name] of whys) assert.match(names, new RegExp(`^  ${name}: `, "m"), name);
});

test("what the reader leaves out has its name in Chinese", async () => {
  const article = fileURLToPath(new URL("../../src/article/", import.meta.url));
  const names = await readFile(join(src, "reasons.ts"), "utf8");
  const reasons = new Set();
  for (const name of await readdir(article, { recursive: true })) {
    if (!name.endsWith(".rs")) continue;
    const text = await readFile(join(article, name), "utf8");
    for (const [, reason] of text.matchAll(/leave_out\((?:[^,()]*,\s*)?"([a-z ]+)"/g)) reasons.add(reason);
  }
  assert.ok(reasons.size > 10);
  for (const reason of reasons) assert.match(names, new RegExp(`^  "?${reason}"?: `, "m"), reason);
});
