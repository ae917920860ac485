import { describe, expect, it } from "vitest";
import { GAP, layout, moved } from "./grid";

describe("a grid", () => {
  it("fills its width exactly", () => {
    for (const width of [1, 300, 328, 640, 1000, 1152]) {
      const { columns, tile } = layout(width);
      expect(columns * tile + (columns - 1) * GAP).toBeCloseTo(width);
    }
  });

  it("has three columns on a phone", () => {
    expect(layout(328).columns).toBe(3);
    expect(layout(360).columns).toBe(3);
  });

  it("is walked by arrows, and not over its edges", () => {
    expect(moved("ArrowRight", 0, 4, 10)).toBe(1);
    expect(moved("ArrowDown", 2, 4, 10)).toBe(6);
    expect(moved("ArrowUp", 2, 4, 10)).toBeNull();
    expect(moved("ArrowDown", 8, 4, 10)).toBeNull();
    expect(moved("End", 0, 4, 10)).toBe(9);
    expect(moved("x", 0, 4, 10)).toBeNull();
  });
});
