import { expect, test } from "vitest";
import { arranged, type MapNode } from "./nodes";

const node = (name: string, rtt: number | null, bytesSent: number): MapNode => ({
  id: name,
  kind: "contact",
  peer: name,
  name,
  path: rtt === null ? "relay" : "direct",
  rtt,
  foundBy: null,
  bytesSent,
  bytesReceived: 0,
  sent: 0,
  received: 0,
});

test("a table of many is searched and put in order", () => {
  const all = [node("Friend 10", null, 5), node("friend 2", 3, 0), node("Ann", 9, 7)];
  const names = (search: string, order: Parameters<typeof arranged>[2]) =>
    arranged(all, search, order).map(({ name }) => name);
  expect(names("", null)).toEqual(["Friend 10", "friend 2", "Ann"]);
  expect(names(" FRIEND", "name")).toEqual(["friend 2", "Friend 10"]);
  expect(names("", "rtt")).toEqual(["friend 2", "Ann", "Friend 10"]);
  expect(names("", "bytesSent")).toEqual(["Ann", "Friend 10", "friend 2"]);
  expect(names("", "path")).toEqual(["Ann", "friend 2", "Friend 10"]);
  expect(names("nobody", "rtt")).toEqual([]);
});
