import { expect, test } from "vitest";
import document from "../../../../crates/cli/tests/it/snapshots/openapi.json?raw";
import { ADVICE, advised, sentence } from "./advice";

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
  expect(advised("cannot get it from ann: no answer; try again", "failed")).toBe(
    "Cannot get it from ann: no answer; try again.",
  );
  expect(advised("no answer: are they online?", "failed")).toBe("No answer: are they online?");
});

test("what the daemon says is a sentence where it stands alone, and names in it are as they are written", () => {
  for (const [words, shown] of [
    ["cannot reach ann", "Cannot reach ann."],
    ["they did not answer", "They did not answer."],
    ["nothing has arrived for 30 seconds", "Nothing has arrived for 30 seconds."],
    ["this browser is not let in any more", "This browser is not let in any more."],
    ["busy", "Busy."],
    ["It is whole.", "It is whole."],
    ["ann was reached, but it speaks no such protocol", "ann was reached, but it speaks no such protocol."],
    ["papers exists already", "papers exists already."],
    ["report.txt is gone", "report.txt is gone."],
    ["notes.txt: torn", "notes.txt: torn."],
    ["kith:link1abc leads nowhere", "kith:link1abc leads nowhere."],
    ["/home/ann is no folder", "/home/ann is no folder."],
    ["élan is blocked", "élan is blocked."],
    ["others can read it; run: chmod 600 /home/ann/key", "Others can read it; run: chmod 600 /home/ann/key"],
    ["", ""],
  ] as const) {
    expect(sentence(words)).toBe(shown);
  }
});

test("wherever a page shows a failure, it says what to do next", () => {
  const parts = import.meta.glob<string>("../**/*.svelte", { query: "?raw", import: "default", eager: true });
  expect(Object.keys(parts).length).toBeGreaterThan(50);
  expect(Object.keys(parts).filter((path) => /\bwordsOf\b/.test(parts[path] ?? ""))).toEqual([]);
});

test("wherever a page shows the daemon's own words, they are sentences", () => {
  const parts = import.meta.glob<string>("../**/*.svelte", { query: "?raw", import: "default", eager: true });
  const shown = Object.entries(parts).flatMap(([path, text]) =>
    text
      .replace(/\{(?:#|:else )if [^}]*\}/g, "")
      .split("\n")
      .filter((line) => /\.(?:message|advice)\b|\.unreached\[/.test(line))
      .map((line) => ({ path, line })),
  );
  expect(shown.length).toBeGreaterThan(2);
  expect(shown.filter(({ line }) => !/\b(?:sentence|advised)\(/.test(line))).toEqual([]);
});
