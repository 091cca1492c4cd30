// Builds the page: src/service/page/src -> src/service/page/dist, or into the folder that is named.
// The same sources give the same bytes; dist is committed, so that the crate compiles without npm.
import { build } from "esbuild";
import { copyFile, mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

const page = fileURLToPath(new URL("../../src/service/page/", import.meta.url));

/** What a browser loads, as `dist` holds it. */
export const FILES = ["admin.html", "admin.js", "index.html", "page.css", "page.js"];

export async function buildPage(out) {
  await mkdir(out, { recursive: true });
  await build({
    absWorkingDir: join(page, "src"),
    entryPoints: { page: "page.ts", admin: "admin.ts" },
    outdir: out,
    bundle: true,
    format: "esm",
    target: ["chrome100", "firefox100", "safari15"],
    charset: "utf8",
    minify: true,
    legalComments: "none",
    logLevel: "warning",
  });
  await build({
    absWorkingDir: join(page, "src"),
    entryPoints: ["page.css"],
    outdir: out,
    // Browsers decide what they know of CSS; nothing is rewritten for older ones.
    target: ["esnext"],
    charset: "utf8",
    minify: true,
    logLevel: "warning",
  });
  for (const name of ["index.html", "admin.html"]) {
    await copyFile(join(page, "src", name), join(out, name));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildPage(process.argv[2] ?? join(page, "dist"));
}
