// What a file is, as far as its name says: enough to choose how to show it. The daemon decides what it is sent as.

import type { Listed } from "../api/client";
import type { IconName } from "../components/Icon.svelte";

export type Kind = "picture" | "video" | "audio" | "other";

const ENDS: Record<Exclude<Kind, "other">, readonly string[]> = {
  picture: ["jpg", "jpeg", "png", "webp", "gif", "avif", "heic", "heif"],
  video: ["mp4", "m4v", "mov", "webm", "mkv"],
  audio: ["mp3", "m4a", "ogg", "opus", "flac", "wav"],
};

export function kindOf(name: string): Kind {
  const end = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
  for (const [kind, ends] of Object.entries(ENDS)) if (ends.includes(end)) return kind as Kind;
  return "other";
}

/** What of a picture's kind providers make no preview of, though some browsers show it: `AVIF`, `HEIC`; nothing for others. */
export function unpreviewed(name: string): string | null {
  const end = /\.(avif|heic|heif)$/i.exec(name)?.[1]?.toUpperCase() ?? null;
  return end === "HEIF" ? "HEIC" : end;
}

/** Whether a lightbox can show it. */
export function isShown(entry: Listed): boolean {
  const kind = kindOf(entry.name);
  return entry.kind === "file" && (kind === "picture" || kind === "video");
}

/** Whether a folder is an album: at least half of its files are pictures or films. One with folders alone may become one. */
export function isAlbum(entries: Listed[]): boolean {
  const files = entries.filter((entry) => entry.kind === "file");
  return files.filter(isShown).length * 2 >= files.length && (files.length > 0 || entries.length === 0);
}

/** What a share is to people: pictures to look at, or files. */
export type Sort = "album" | "folder";

/** How many folders are gone into for it: albums of years and days are no deeper. */
const DEPTH_MAX = 4;

/** What a share is: it is judged where most of its files lie, by what they are. What has nothing in it may become an album. */
export async function sortOf(list: (path: string) => Promise<Listed[]>): Promise<Sort> {
  let path = "";
  for (let depth = 0; ; depth += 1) {
    const entries = await list(path);
    const here = entries.filter((entry) => entry.kind === "file").length;
    const folders = entries.filter((entry) => entry.kind === "directory");
    const [largest] = folders.toSorted((one, other) => other.files - one.files);
    if (!largest || here >= largest.files || depth === DEPTH_MAX)
      return isAlbum(entries) ? "album" : "folder";
    path = path === "" ? largest.name : `${path}/${largest.name}`;
  }
}

export function iconOf(entry: Listed): IconName {
  if (entry.kind !== "file") return "folder";
  const kind = kindOf(entry.name);
  return kind === "picture" ? "image" : kind === "other" ? "file" : kind;
}

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** Folders first, then by name, numbers as numbers. */
export function sorted(entries: Listed[]): Listed[] {
  return entries.toSorted(
    (one, other) =>
      Number(other.kind === "directory") - Number(one.kind === "directory") ||
      byName.compare(one.name, other.name),
  );
}
