import { describe, expect, it } from "vitest";
import { arrange, distance, sizeFor, type Standing } from "./layout";

const size = sizeFor(1000);

const crowd = (count: number): Standing[] =>
  Array.from({ length: count }, (_, at) => ({ id: `peer1${at * 7919}`, rtt: (at * 37) % 300 }));

describe("the map", () => {
  it("puts the quick near and the slow far", () => {
    expect(distance(0.1)).toBe(distance(0.5));
    expect(distance(2)).toBeLessThan(distance(20));
    expect(distance(9999)).toBe(distance(500));
  });

  it("holds 200 within its edges, hardly any on top of another", () => {
    const places = [...arrange(crowd(200), size).values()];
    expect(places).toHaveLength(200);
    for (const { x, y, r } of places) {
      expect(x - r).toBeGreaterThanOrEqual(0);
      expect(x + r).toBeLessThanOrEqual(size.width);
      expect(y - r).toBeGreaterThanOrEqual(0);
      expect(y + r).toBeLessThanOrEqual(size.height);
    }
    const covered = places.filter((one, at) =>
      places.slice(at + 1).some((other) => Math.hypot(one.x - other.x, one.y - other.y) < one.r),
    );
    expect(covered.length).toBeLessThan(4);
  });

  it("is the same each time", () => {
    expect(arrange(crowd(20), size)).toEqual(arrange(crowd(20), size));
  });
});
