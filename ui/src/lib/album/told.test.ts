import { expect, test } from "vitest";
import type { Share } from "../api/client";
import { absence, told } from "./told";

const share: Share = {
  share_id: "share1x",
  bare: false,
  album: false,
  link: "kith:link1x",
  hash: "old",
  bytes: 1,
  files: 1,
  name: "summer",
  audience: "contacts",
  with: [],
  with_peers: [],
  paths: ["/disk/summer"],
  kept: true,
  providers: [],
  fetches: [],
  left_out: [],
  left_out_count: 0,
};

test("its owner is told that the folder of a share is not there, and no longer when it is", () => {
  const absent = { ...share, absent: "/disk/summer" };
  expect(absence(absent)).toEqual(["Its folder is not there: /disk/summer"]);
  const silent = { ...absent, silent: true };
  expect(absence(silent)).toEqual(["The disk of its folder does not answer: /disk/summer"]);
  expect(absence(share)).toEqual([]);
  // The page of it says so apart.
  expect(told(absent)).toBe(told(share));
});
