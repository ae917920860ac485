// A share that a page is about, mine or somebody's, from what the app knows.

import { SvelteMap } from "svelte/reactivity";
import * as api from "../api/client";
import type { ShareRef } from "../api/content";
import { BY_LINK } from "../router";
import { t } from "../text/strings";
import { live } from "./live.svelte";

export interface Found {
  of: ShareRef;
  name: string;
  /** What whoever shares it is called here; nobody where it is mine, or a stranger's. */
  owner: string | null;
  hash: string;
  /** As far as its owner says so beforehand; a link does not. */
  files: number;
  isMine: boolean;
}

/** What links say of where they lead. */
const links = new SvelteMap<string, { name: string; owner: string | null }>();

/** Has the daemon read a link, which asks nobody; one that it cannot read shows when it is listed. */
export async function readLink(link: string): Promise<void> {
  if (links.has(link)) return;
  const told = await api.recognise(link).catch(() => null);
  if (told?.kind === "link") links.set(link, { name: told.name, owner: told.contact ?? null });
}

/** The share, or nothing where nobody is known to share it with us now, and there is no copy. */
export function findShare(peer: string | null, share: string): Found | undefined {
  if (peer === BY_LINK) {
    // What a link leads to shows when it is listed.
    const told = links.get(share);
    const name = told?.name || t.files.byLink;
    const owner = told?.owner ?? null;
    return { of: { owner: "", share }, name, owner, hash: share, files: 0, isMine: false };
  }
  const me = live.node?.peer_id;
  if (peer === null || peer === me) {
    const mine = live.own.find((it) => it.share_id === share);
    if (!mine || me === undefined) return undefined;
    return { ...mine, of: { owner: me, share }, owner: null, isMine: true };
  }
  const listed = live.offered.get(peer)?.shares.find((it) => it.share_id === share);
  const known = listed?.hash ? { ...listed, hash: listed.hash } : findCopy(share);
  if (!known) return undefined;
  const owner = live.byPeer.get(peer)?.name ?? null;
  return { ...known, of: { owner: peer, share }, owner, isMine: false };
}

/** The copy of a share that this node passes on. */
export function findCopy(share: string): api.Share | undefined {
  return live.shares.find((it) => it.owner && it.share_id === share);
}
