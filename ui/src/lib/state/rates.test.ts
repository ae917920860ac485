import { describe, expect, it } from "vitest";
import type { NetworkSession as Session } from "../api/client";
import { rates, spanned, withHole } from "./rates";

const session = (device_id: string, sent: number, received: number): Session => ({
  device_id,
  seconds: 1,
  paths: [],
  face: "contact",
  path: "direct",
  streams: 0,
  bytes_sent: sent,
  bytes_received: received,
});

describe("rates", () => {
  it("are what was carried between two readings", () => {
    const told = rates(
      [session("a", 100, 0), session("b", 0, 0)],
      [session("a", 300, 50), session("b", 10, 0)],
      2,
    );
    expect(told).toMatchObject({ sent: 105, received: 25 });
    expect(told.each).toEqual([
      { sent: 100, received: 25 },
      { sent: 5, received: 0 },
    ]);
  });

  it("are never less than nothing when a session stands anew", () => {
    expect(rates([session("a", 1000, 1000)], [session("a", 40, 20)], 1)).toMatchObject({
      sent: 40,
      received: 20,
    });
  });
});

describe("a time when nobody looked", () => {
  it("is a hole in the line, once", () => {
    const sample = { at: 1, sent: 5, received: 6, rtt: 7 };
    const hole = { at: 9, sent: null, received: null, rtt: null };
    expect(withHole([sample], 9)).toEqual([sample, hole]);
    expect(withHole([sample, hole], 20)).toEqual([sample, hole]);
    expect(withHole([], 9)).toEqual([]);
  });
});

it("a plot of one number is of the minute that ends with it, and grows with the numbers", () => {
  expect(spanned(1000, 1000)).toEqual([940, 1000]);
  expect(spanned(1000, 1059)).toEqual([999, 1059]);
  expect(spanned(1000, 1600)).toEqual([1000, 1600]);
  expect(spanned(null, null)).toEqual([null, null]);
});
