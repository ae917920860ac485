// Fails when the built app is larger than a person should wait for: all files, each compressed as HTTP would.
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

// What a person waits for on a line of 1.6 Mbit/s for a second.
const BYTES_MAX = 200 * 1024;
const DIST = fileURLToPath(new URL("../dist", import.meta.url));
// Compressed by themselves.
const PACKED = new Set([".woff2", ".png", ".webp"]);

let total = 0;
for (const entry of await readdir(DIST, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const bytes = await readFile(join(entry.parentPath, entry.name));
  const size = PACKED.has(extname(entry.name)) ? bytes.length : gzipSync(bytes, { level: 9 }).length;
  total += size;
  console.log(`${(size / 1024).toFixed(1).padStart(8)} KiB  ${entry.name}`);
}
console.log(`${(total / 1024).toFixed(1).padStart(8)} KiB  in all, of ${BYTES_MAX / 1024} KiB`);
if (total > BYTES_MAX) {
  console.error("the app is too large");
  process.exit(1);
}
