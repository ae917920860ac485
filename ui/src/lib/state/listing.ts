// Folders of shares as they were last listed. One is listed again when the share has a new version, and what was shown stays until
// the new listing is there.

import type * as api from "../api/client";
import { entries, sourceOf, type ShareRef } from "../api/content";
import { sorted } from "../album/kinds";

export interface Listing {
  entries: api.Listed[];
  /** The version it is of. */
  hash: string;
}

/** A listing of 5,000 pictures is about a megabyte; more folders are seldom gone through at a time. */
const KEPT_MAX = 64;

/** In place of a version. */
const AWAY = "away";

const kept = new Map<string, Listing>();
const running = new Map<string, Promise<Listing>>();

/** A folder of a share at a version; from memory where it is known. While its owner is away, it is as it was when it was looked into last. */
export function listed(of: ShareRef, path: string, hash: string, isAway = false): Promise<Listing> {
  const key = sourceOf(of, path);
  const known = kept.get(key);
  if (known?.hash === hash) return Promise.resolve(known);
  const at = `${key}@${hash}${isAway ? AWAY : ""}`;
  let listing = running.get(at);
  if (!listing) {
    listing = entries(of, path, isAway)
      // Of whichever version it is: when they are back it is listed anew.
      .then((told) => keep(key, { entries: sorted(told), hash: isAway ? AWAY : hash }))
      .finally(() => running.delete(at));
    running.set(at, listing);
  }
  return listing;
}

/** What is known of a folder, of whichever version. */
export function lastListed(of: ShareRef, path: string): Listing | undefined {
  return kept.get(sourceOf(of, path));
}

/** Has a folder listed anew by whoever looks next, where nobody tells of a new version. */
export function forget(of: ShareRef, path: string): void {
  kept.delete(sourceOf(of, path));
}

function keep(key: string, listing: Listing): Listing {
  kept.delete(key);
  kept.set(key, listing);
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT_MAX) break;
    kept.delete(oldest);
  }
  return listing;
}
