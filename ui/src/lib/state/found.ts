// A share that a page is about, mine or somebody's, from what the app knows.

import type { ShareRef } from "../api/content";
import { BY_LINK } from "../router";
import { t } from "../text/strings";
import { live } from "./live.svelte";

export interface Found {
  of: ShareRef;
  name: string;
  hash: string;
  bytes: number;
  files: number;
  isMine: boolean;
}

/** The share, or nothing where nobody is known to share it with us now. */
export function findShare(peer: string | null, share: string): Found | undefined {
  if (peer === BY_LINK) {
    // What a link leads to shows when it is listed.
    return { of: { owner: "", share }, name: t.files.byLink, hash: share, bytes: 0, files: 0, isMine: false };
  }
  const me = live.node?.peer_id;
  if (peer === null || peer === me) {
    const mine = live.own.find((it) => it.share_id === share);
    if (!mine || me === undefined) return undefined;
    return { of: { owner: me, share }, ...mine, isMine: true };
  }
  const listed = live.offered.get(peer)?.shares.find((it) => it.share_id === share);
  if (!listed?.hash) return undefined;
  return { of: { owner: peer, share }, ...listed, hash: listed.hash, isMine: false };
}
