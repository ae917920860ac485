import { describe, expect, it } from "vitest";
import { stepped, within } from "./folders";

describe("folders", () => {
  it("joins paths, also at the root", () => {
    expect(within("/", "home")).toBe("/home");
    expect(within("/home/ann", "Pictures")).toBe("/home/ann/Pictures");
  });

  it("is walked through by keys, no further than it goes", () => {
    const names = ["Desktop", "pictures", "Project", "Videos"];
    const led = (key: string, at: number) => stepped(key, at, names);
    expect(led("ArrowDown", 0)).toBe(1);
    expect(led("ArrowDown", 3)).toBe(3);
    expect(led("ArrowUp", 0)).toBe(0);
    expect(led("Home", 3)).toBe(0);
    expect(led("End", 0)).toBe(3);
    expect(led("Tab", 0)).toBeNull();
    expect(led(" ", 0)).toBeNull();
    expect(stepped("ArrowDown", 0, [])).toBeNull();
  });

  it("is searched by letters, round and round", () => {
    const names = ["Desktop", "pictures", "Project", "Videos", "Ünal"];
    expect(stepped("p", 0, names)).toBe(1);
    expect(stepped("P", 1, names)).toBe(2);
    expect(stepped("p", 2, names)).toBe(1);
    expect(stepped("ü", 0, names)).toBe(4);
    expect(stepped("x", 0, names)).toBeNull();
  });
});
