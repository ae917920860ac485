import { expect, test } from "vitest";
import document from "../../../../crates/cli/tests/it/snapshots/openapi.json?raw";
import { ADVICE, advised } from "./advice";

interface Document {
  components: { schemas: { Failure: { properties: { kind: { enum: string[] } } } } };
}

test("every kind of failure that the API knows has words of what to do next", () => {
  const { kind } = (JSON.parse(document) as Document).components.schemas.Failure.properties;
  expect(kind.enum.length).toBeGreaterThan(0);
  expect(kind.enum.filter((it) => !(it in ADVICE))).toEqual([]);
  // And nothing else but what the page finds out by itself.
  expect(Object.keys(ADVICE).filter((it) => !kind.enum.includes(it))).toEqual(["away", "locked"]);
});

test("what the words do not say of what to do next is added", () => {
  expect(advised("the connection ended", "failed")).toBe(`The connection ended. ${ADVICE.failed}`);
  expect(advised("It ended…", "not_found")).toBe(`It ended… ${ADVICE.not_found}`);
  expect(advised("it is torn", "of a later version")).toBe(`It is torn. ${ADVICE.failed}`);
  for (const whole of ["it exists; choose another folder", "no answer: are they online?"]) {
    expect(advised(whole, "failed")).toBe(whole);
  }
});

test("wherever a page shows a failure, it says what to do next", () => {
  const parts = import.meta.glob<string>("../**/*.svelte", { query: "?raw", import: "default", eager: true });
  expect(Object.keys(parts).length).toBeGreaterThan(50);
  expect(Object.keys(parts).filter((path) => /\bwordsOf\b/.test(parts[path] ?? ""))).toEqual([]);
});
