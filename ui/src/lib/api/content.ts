// Where content lies: which share is meant, and the addresses from which its pictures are loaded. What comes from peers is loaded
// from an origin of its own, by an address that is the permission; without a browser's door (in development, over the daemon's
// socket) it is read from the API itself.

import { SvelteMap } from "svelte/reactivity";
import { encodePath } from "../text/safe";
import * as api from "./client";

/** A share of somebody's: by the owner's PeerId, one's own too; or by a link, and then `owner` is empty. */
export interface ShareRef {
  owner: string;
  share: string;
}

/** An address is asked for anew this long before it ends: a film may take as long. */
const RENEW_MS = 3_600_000;

/** Where the files of shares are, by `/files/PEER/SHARE`. */
const bases = new SvelteMap<string, { url: string; expires: number }>();
const asked = new Map<string, Promise<void>>();

/** `PEER/SHARE[/PATH]`, as `ls` and `get` take it. */
export function sourceOf({ owner, share }: ShareRef, path: string): string {
  return [owner, share, ...path.split("/")].filter(Boolean).join("/");
}

/** What lies in a folder of a share. */
export function entries(of: ShareRef, path: string): Promise<api.Listed[]> {
  return api.list(sourceOf(of, path));
}

/** Asks where the files of a share are read from; before, `fileUrl` knows no address. */
export function open(of: ShareRef): Promise<void> {
  const base = baseOf(of);
  const known = bases.get(base);
  if (known && known.expires - Date.now() > RENEW_MS) return Promise.resolve();
  let asking = asked.get(base);
  if (!asking) {
    asking = ask(base).finally(() => asked.delete(base));
    asked.set(base, asking);
  }
  return asking;
}

async function ask(base: string): Promise<void> {
  try {
    const [made] = await api.contentUrls([base]);
    if (made) bases.set(base, made);
  } catch (error) {
    // Over the socket there is no other origin, and nobody's page but this one.
    if (!(error instanceof api.ApiError) || error.kind === "away" || error.kind === "locked") throw error;
    bases.set(base, { url: `/api/v1${base}`, expires: Infinity });
  }
}

/** A file's bytes, whole or by ranges; nothing of it need have been fetched. Nothing until the share is open. */
export function fileUrl(of: ShareRef, path: string): string | undefined {
  const base = bases.get(baseOf(of));
  return base && `${base.url}/${encodePath(path)}`;
}

/** A small picture of a picture, no wider and higher than `size` pixels. */
export function previewUrl(of: ShareRef, path: string, size: number): string {
  return `/api/v1/previews/${encodePath(sourceOf(of, path))}?size=${size}`;
}

/** The address of a folder of a share as a site. */
export async function siteUrl(of: ShareRef, path: string): Promise<string> {
  return (await api.siteUrl(`/files/${encodePath(sourceOf(of, path))}`)).url;
}

function baseOf(of: ShareRef): string {
  return `/files/${encodePath(sourceOf(of, ""))}`;
}
