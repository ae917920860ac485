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

/** Where the files and the previews of shares are, by `PEER/SHARE`. */
const bases = new SvelteMap<string, { files: string; previews: string; expires: number }>();
const asked = new Map<string, Promise<void>>();

/** `PEER/SHARE[/PATH]`, as `ls` and `get` take it. */
export function sourceOf({ owner, share }: ShareRef, path: string): string {
  return [owner, share, ...path.split("/")].filter(Boolean).join("/");
}

/** What lies in a folder of a share; as it was when it was looked into last, where nobody is to be asked. */
export function entries(of: ShareRef, path: string, isAway: boolean): Promise<api.Listed[]> {
  return api.list(sourceOf(of, path), isAway);
}

/** Asks where the files and previews of a share are read from; before, `fileUrl` and `previewUrl` know no address. */
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
  const [files, previews] = [`/files/${base}`, `/previews/${base}`];
  try {
    const made = await api.contentUrls([files, previews]);
    if (made[0] && made[1])
      bases.set(base, {
        files: made[0].url,
        previews: made[1].url,
        expires: Math.min(made[0].expires, made[1].expires),
      });
  } catch (error) {
    // Over the socket there is no other origin, and nobody's page but this one.
    if (
      !import.meta.env.DEV ||
      !(error instanceof api.ApiError) ||
      error.kind === "away" ||
      error.kind === "locked"
    )
      throw error;
    bases.set(base, { files: `/api/v1${files}`, previews: `/api/v1${previews}`, expires: Infinity });
  }
}

/** A file's bytes, whole or by ranges; nothing of it need have been fetched, but where nobody is to be asked. Nothing until the share is open. */
export function fileUrl(of: ShareRef, path: string, isAway = false): string | undefined {
  const base = bases.get(baseOf(of));
  return base && `${base.files}/${encodePath(path)}${isAway ? "?here=true" : ""}`;
}

/** A small picture of a picture, no wider and higher than `size` pixels; only if it is here, where nobody is to be asked. Nothing until the share is open. */
export function previewUrl(of: ShareRef, path: string, size: number, isAway = false): string | undefined {
  const base = bases.get(baseOf(of));
  return base && `${base.previews}/${encodePath(path)}?size=${size}${isAway ? "&here=true" : ""}`;
}

/** Why nothing of a file can be had now, in words; nothing where it can, and so is itself what is wrong. */
export async function reasonOf(of: ShareRef, path: string): Promise<string | null> {
  const range = { range: "bytes=0-0" };
  const response = await fetch(`/api/v1/files/${encodePath(sourceOf(of, path))}`, { headers: range });
  const body = (await response.json().catch(() => null)) as unknown;
  return [404, 409, 503].includes(response.status) ? api.adviceOf(api.failure(response.status, body)) : null;
}

/** Whether its provider tried to make a small picture of it and gave up, so it is none of a kind that is not known there, whatever its name says. */
export async function isGivenUp(of: ShareRef, path: string): Promise<boolean> {
  const response = await fetch(`/api/v1/previews/${encodePath(sourceOf(of, path))}?size=320`);
  return [413, 422].includes(response.status);
}

/** The address of a folder of a share as a site. */
export async function siteUrl(of: ShareRef, path: string): Promise<string> {
  return (await api.siteUrl(`/files/${encodePath(sourceOf(of, path))}`)).url;
}

function baseOf(of: ShareRef): string {
  return encodePath(sourceOf(of, ""));
}
