import { describe, expect, it } from "vitest";
import { GAP, isPassing, layout } from "./grid";

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

  it("is seen by whoever scrolls as people do, and not where it rushes by, in either direction", () => {
    expect(isPassing(50, 1000 / 60, 800)).toBe(false);
    expect(isPassing(500, 1000 / 60, 800)).toBe(true);
    expect(isPassing(-500, 1000 / 60, 800)).toBe(true);
    expect(isPassing(0, 1000 / 60, 800)).toBe(false);
    // A frame that came late has moved further.
    expect(isPassing(500, 100, 800)).toBe(false);
  });
});
