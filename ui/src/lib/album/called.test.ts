import { expect, test } from "vitest";
import { wrongName } from "./called";

test("what an album cannot be called is said in words of an album", () => {
  for (const name of ["Holiday 12-24", "", "12:30 by the sea", "Console", "com", "علی‌رضا", "v1.2"])
    expect(wrongName(name), name).toBeNull();
  const wrong = [
    "Holiday 12/24",
    "a\\b",
    "..",
    "And so on.",
    "c: drive",
    "CON",
    "aux.jpg",
    "com1",
    "ü".repeat(128),
  ];
  for (const name of wrong) expect(wrongName(name), name).toMatch(/album/i);
});
