import { describe, expect, it } from "vitest";
import { encodePath, isSuspicious, lastOf, safeName, safeText } from "./safe";

describe("a name that is shown", () => {
  it("stays as it is when nothing in it hides", () => {
    for (const name of ["Åse & 林.jpg", "<b>not markup</b>", "سلام", "👩‍👩‍👧.png", "می‌خواهم"]) {
      expect(safeName(name)).toBe(name);
      expect(isSuspicious(name)).toBe(false);
    }
  });

  it("shows what would reorder or hide", () => {
    expect(safeName("photo\u202Egpj.exe")).toBe("photo␣202Egpj.exe");
    expect(safeName("a\u0000b\nc")).toBe("a␣0000b␣000Ac");
    expect(safeName("zero\u200Bwidth\uFEFF")).toBe("zero␣200Bwidth␣FEFF");
    expect(safeName("tag\u{E0041}")).toBe("tag␣E0041");
    expect(isSuspicious("x\u2066y")).toBe(true);
  });

  it("is never longer than a line", () => {
    const shown = safeName("a".repeat(5000));
    expect([...shown]).toHaveLength(201);
    expect(shown).toContain("…");
  });

  it("does not cut an emoji in half", () => {
    expect(safeName("😀".repeat(300))).not.toMatch(/␣D[89A-F]/);
  });
});

it("a sentence with names in it is shown whole, and nothing hides in it", () => {
  const long = `no file ${"a".repeat(300)}`;
  expect(safeText(`${long}\u202E\nnor another`)).toBe(`${long}␣202E\nnor another`);
});

describe("a path", () => {
  it("keeps its slashes and nothing else that a URL would read", () => {
    expect(encodePath("a b/50%?#.jpg")).toBe("a%20b/50%25%3F%23.jpg");
  });

  it("ends in a name", () => {
    expect(lastOf("a/b/c.jpg")).toBe("c.jpg");
    expect(lastOf("c.jpg")).toBe("c.jpg");
  });
});
