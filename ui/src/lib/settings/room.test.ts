import { expect, test } from "vitest";
import { mebibytes, MEBIBYTES_MAX } from "./room";

test("room for copies is a whole number within reason, or none", () => {
  for (const [text, number] of [
    ["0", 0],
    [" 1024 ", 1024],
    [String(MEBIBYTES_MAX), MEBIBYTES_MAX],
  ] as const)
    expect(mebibytes(text), text).toBe(number);
  const wrong = ["", " ", "1.5", "-1", "1e3", "ten", "٣", String(MEBIBYTES_MAX + 1), "1".repeat(20)];
  for (const text of wrong) expect(mebibytes(text), text).toBeNull();
});
