// Leaving a download to the node: what is chosen of a share, into a folder on the disk of the node's machine.

import * as api from "../api/client";
import { sourceOf, type ShareRef } from "../api/content";

const KEY = "kith.downloads";
/** How long somebody may be away before the node gives up: it goes on over restarts, so a long journey. */
const WAIT_MS = 30 * 86_400_000;

/** The folder that was last used. */
export function lastFolder(): string {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

/** Begins the download. `names` are files and folders below `path`, however many; all of it where there are none. */
export async function download(
  of: ShareRef,
  path: string,
  names: string[],
  folder: string,
): Promise<api.Transfer> {
  const transfer = await api.beginTransfer({
    source: sourceOf(of, path),
    out: folder,
    only: [],
    files: names,
    wait_ms: WAIT_MS,
    provide: true,
    keep: false,
  });
  try {
    localStorage.setItem(KEY, folder);
  } catch {
    // Then it is asked for again.
  }
  return transfer;
}

/** The download of all of a share that was done last, as long as it is on the list. */
export function downloadedBefore(transfers: readonly api.Transfer[], of: ShareRef): api.Transfer | undefined {
  return transfers.findLast(
    (it) =>
      it.direction === "download" &&
      it.state === "done" &&
      !it.selects &&
      it.peer_id === of.owner &&
      it.what === of.share,
  );
}

/** Brings what lies in a folder since it was downloaded up to date, and keeps what was changed there. */
export const update = (of: ShareRef, out: string, keep: boolean): Promise<api.Transfer> =>
  api.beginTransfer({
    source: sourceOf(of, ""),
    out,
    only: [],
    update: true,
    wait_ms: WAIT_MS,
    provide: true,
    keep,
  });

/**
 * Whether a share is another than the one that was downloaded: by its version, where the copy is passed on; else there is no telling but by how many
 * files it has.
 */
export function isNewer(
  now: { hash: string; files: number },
  before: api.Transfer | undefined,
  copy: { hash: string } | undefined,
): boolean {
  if (!before) return false;
  // What was left as it is here makes them fewer.
  return copy ? copy.hash !== now.hash : !before.updated && now.files > before.files;
}
