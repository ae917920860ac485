import { expect, test } from "vitest";
import type { Transfer } from "../api/client";
import { downloadedBefore, isNewer } from "./download";

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

test("the download of all of a share that was done last is found", () => {
  const others = [
    { ...done, id: 1, files: 9, what: "share1x/day 1" },
    { ...done, id: 2, files: 9, peer_id: "peer1bob" },
    { ...done, id: 3, files: 1 },
    done,
    { ...done, id: 8, files: 9, state: "running" },
    { ...done, id: 9, files: 9, direction: "upload" },
    { ...done, id: 10, files: 2, selects: true },
  ];
  expect(downloadedBefore(others, of)?.id).toBe(7);
  expect(downloadedBefore([], of)).toBeUndefined();
});

test("what was downloaded has a newer version where the copy is another, or there are more files", () => {
  const now = { hash: "h2", files: 3 };
  expect(isNewer(now, done, { hash: "h1" })).toBe(true);
  expect(isNewer(now, done, { hash: "h2" })).toBe(false);
  expect(isNewer({ hash: "h2", files: 4 }, done, undefined)).toBe(true);
  expect(isNewer(now, done, undefined)).toBe(false);
  // What was brought up to date may be fewer files than there are for good.
  const kept = [{ why: "changed" as const, paths: ["a"], count: 1 }];
  const updated = { added: 0, replaced: 1, deleted: 0, kept, kept_count: 1 };
  expect(isNewer({ hash: "h2", files: 4 }, { ...done, updated }, undefined)).toBe(false);
  expect(isNewer(now, undefined, { hash: "h1" })).toBe(false);
});
