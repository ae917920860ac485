import { describe, expect, it } from "vitest";
import { GAP, layout } from "./grid";

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
});
