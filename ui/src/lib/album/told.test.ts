import { expect, test } from "vitest";
import type { Share } from "../api/client";
import { told } from "./told";

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

test("its owner is told first that the folder of a share is not there, and no longer when it is", () => {
  expect(told({ ...share, absent: "/disk/summer" })).toMatch(/^Its folder is not there: \/disk\/summer · /);
  expect(told(share)).not.toContain("not there");
});
