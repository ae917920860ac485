import { describe, expect, it } from "vitest";
import source from "../../../../crates/core/src/identity/visible.rs?raw";
import { encodePath, isolated, isSuspicious, lastOf, safeName, safeText } from "./safe";
import { t } from "./strings";

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
    expect(safeName("a\u{ad}b\u{180e}c\u{34f}d\u{115f}e\u{3164}f")).toBe("a␣00ADb␣180Ec␣034Fd␣115Fe␣3164f");
  });

  it("shows what the node takes into no name, and nothing else", () => {
    const hidden = /fn is_hidden[^]*?\n}/.exec(source)?.[0] ?? "";
    const ranges = [...hidden.matchAll(/'\\u\{(\w+)\}'(?:\.\.='\\u\{(\w+)\}')?/g)].map(([, from = "", to]) =>
      [from, to ?? from].map((code) => parseInt(code, 16)),
    );
    expect(ranges.length).toBeGreaterThan(15);
    const others: string[] = [];
    for (let code = 0; code <= 0x10ffff; code += 1) {
      // Half of a character is none in Rust.
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const character = String.fromCodePoint(code);
      const isInNone =
        /\p{Cc}/u.test(character) || ranges.some(([from = 0, to = 0]) => code >= from && code <= to);
      if (isSuspicious(character) !== isInNone) others.push(code.toString(16));
    }
    expect(others).toEqual([]);
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

describe("a name beside other words", () => {
  it("keeps its direction to itself", () => {
    expect(isolated("ann")).toBe("ann");
    expect(isolated("علیرضا")).toBe("\u2068علیرضا\u2069");
    expect(t.album.from("علیرضا")).toBe("From \u2068علیرضا\u2069");
    expect(t.audience.told("named", ["علیرضا", "ann"])).toBe("for \u2068علیرضا\u2069 and ann");
    expect(t.handed.linkTo("x", "علیرضا")).toContain("\u2068علیرضا\u2069");
  });

  it("does not break out of it, and is shown so wherever it is said", () => {
    expect(isolated("ع\u2069 x")).toBe("\u2068ع␣2069 x\u2069");
    expect(safeText(`${isolated("علیرضا")} is away`)).toBe("\u2068علیرضا\u2069 is away");
    expect(safeText("a\u2068b\u2069\u2069\u202E")).toBe("a\u2068b\u2069␣2069␣202E");
    expect(safeText("\u2068a\u202Eb")).toBe("␣2068a␣202Eb");
  });
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
