import { expect, test } from "vitest";
import type { Transfer } from "../api/client";
import { downloadedBefore, newSince } from "./download";

const of = { owner: "peer1ann", share: "share1x" };
const done: Transfer = {
  id: 7,
  direction: "download",
  state: "done",
  peer_id: "peer1ann",
  what: "share1x",
  bytes: 10,
  files: 3,
  rate: 0,
  background: true,
  selects: false,
};

test("a share that has grown since it was downloaded says by how much", () => {
  const others = [
    { ...done, id: 1, files: 9, what: "share1x/day 1" },
    { ...done, id: 2, files: 9, peer_id: "peer1bob" },
    { ...done, id: 3, files: 1 },
    done,
    { ...done, id: 8, files: 9, state: "running" },
    { ...done, id: 9, files: 9, direction: "upload" },
    { ...done, id: 10, files: 2, selects: true },
  ];
  const before = downloadedBefore(others, of);
  expect(before?.id).toBe(7);
  expect(newSince(before, 5)).toBe(2);
  // One that has shrunk, or was never downloaded, has nothing new.
  expect(newSince(before, 2)).toBe(0);
  expect(newSince(downloadedBefore([], of), 5)).toBe(0);
});
