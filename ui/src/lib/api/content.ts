// Where content lies: which share is meant, and the addresses from which its pictures are loaded.

import { encodePath } from "../text/safe";
import * as api from "./client";

/** A share of somebody's: by the owner's PeerId, one's own too. */
export interface ShareRef {
  owner: string;
  share: string;
}

/** `PEER/SHARE[/PATH]`, as `ls` and `get` take it. */
export function sourceOf({ owner, share }: ShareRef, path: string): string {
  return [owner, share, ...path.split("/").filter(Boolean)].join("/");
}

/** What lies in a folder of a share. */
export function entries(of: ShareRef, path: string): Promise<api.Listed[]> {
  return api.list(sourceOf(of, path));
}

/** A file's bytes, whole or by ranges; nothing of it need have been fetched. */
export function fileUrl(of: ShareRef, path: string): string {
  return `/api/v1/files/${encodePath(sourceOf(of, path))}`;
}

/** A small picture of a picture, no wider and higher than `size` pixels. */
export function previewUrl(of: ShareRef, path: string, size: number): string {
  return `/api/v1/previews/${encodePath(sourceOf(of, path))}?size=${size}`;
}
