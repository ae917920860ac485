import { describe, expect, it } from "vitest";
import type { TransferSource } from "../api/client";
import { ranges, runs, sorted } from "./gives";

describe("who gives which parts", () => {
  it("draws neighbours that are alike as one", () => {
    expect(runs([0, 100, 100, 40, 0, 0, 40])).toEqual([
      { from: 1, to: 3, share: 100 },
      { from: 3, to: 4, share: 40 },
      { from: 6, to: 7, share: 40 },
    ]);
    expect(runs([0, 0])).toEqual([]);
  });

  it("says ranges of the whole, whatever came of each part", () => {
    expect(ranges([100, 1, 0, 0, 0, 0, 0, 50])).toEqual(["0–25 %", "88–100 %"]);
    expect(ranges([])).toEqual([]);
  });

  it("names those first who give now", () => {
    const source = (peer: string, bytes: number, path: string | null): TransferSource => ({
      peer,
      bytes,
      path,
      rate: 0,
      gave: [],
      asked: [],
    });
    const all = [source("gone", 900, null), source("slow", 1, "relay"), source("fast", 500, "lane")];
    expect(sorted(all).map(({ peer }) => peer)).toEqual(["fast", "slow", "gone"]);
  });
});
