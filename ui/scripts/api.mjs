// Makes src/lib/api/schema.d.ts of the OpenAPI document that the daemon's tests pin. With --check it says whether that file
// is what it would make, and changes nothing. `KITH_OPENAPI` names another document.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const DOCUMENT =
  process.env.KITH_OPENAPI ?? new URL("../../crates/cli/tests/it/snapshots/openapi.json", import.meta.url);
const TYPES = new URL("../src/lib/api/schema.d.ts", import.meta.url);

const banner = "// Made by `npm run api` of the daemon's OpenAPI document. Do not edit.\n\n";
const document = JSON.parse(await readFile(DOCUMENT, "utf8"));
const types = banner + astToString(await openapiTS(document, { defaultNonNullable: false }));

if (process.argv.includes("--check")) {
  const kept = await readFile(TYPES, "utf8").catch(() => "");
  if (kept !== types) {
    console.error("src/lib/api/schema.d.ts is not what the OpenAPI document says: run `npm run api`");
    process.exit(1);
  }
} else {
  await writeFile(TYPES, types);
}
