// Which shares are albums, and which are folders of files: by what most of their files are, so that nobody has to say it. A share that nobody has
// looked into counts as an album, and all of them are under Files: none is lost between the two.

import { SvelteMap } from "svelte/reactivity";
import { sourceOf, type ShareRef } from "../api/content";
import type { Found } from "../state/found";
import { listed } from "../state/listing";
import { live } from "../state/live.svelte";
import { sortOf, type Sort } from "./kinds";

/** Remembered by the browser, so that no folder shows as an album for a moment each time the app is opened. */
const KEY = "kith.folders";
/** More are seldom shared with anybody; those known longest go. */
const KEPT_MAX = 500;

/** Whoever shares hundreds is not asked for all of them together. */
const AT_ONCE = 4;

interface Known {
  sort: Sort;
  /** What was looked into. */
  version: string;
}

class Sorts {
  #known = new SvelteMap<string, Known>(remembered());
  #asked = new Set<string>();
  #free = AT_ONCE;
  #waiting: (() => void)[] = [];

  /** What a share was when it was looked into last. */
  of(share: ShareRef): Sort {
    return this.#known.get(sourceOf(share, ""))?.sort ?? "album";
  }

  /** The same of one's own. */
  ofMine(share: string): Sort {
    return this.of({ owner: live.node?.peer_id ?? "", share });
  }

  /** Whether it was looked into as it is now. */
  isKnown(found: Found): boolean {
    return this.#known.get(sourceOf(found.of, ""))?.version === versionOf(found);
  }

  /** Looks into it, if this version was not. Where that cannot be it stays what it was. */
  async look(found: Found): Promise<void> {
    const { of, hash, isAway } = found;
    const [key, version] = [sourceOf(of, ""), versionOf(found)];
    const asked = `${key}@${version}`;
    if (this.isKnown(found) || this.#asked.has(asked)) return;
    this.#asked.add(asked);
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      const sort = await sortOf(async (path) => (await listed(of, path, hash, isAway)).entries);
      // Behind those known longer.
      this.#known.delete(key);
      this.#known.set(key, { sort, version });
      remember(this.#known);
    } catch {
      // Whoever opens it is told why.
    }
    this.#asked.delete(asked);
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}

/** While its owner is away, what is known may be of an older one. */
const versionOf = ({ hash, isAway }: Found) => (isAway ? `${hash} away` : hash);

function remembered(): [string, Known][] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    if (!Array.isArray(kept)) return [];
    return kept
      .filter(
        (it): it is [string, string] => Array.isArray(it) && it.every((text) => typeof text === "string"),
      )
      .map(([key, version]) => [key, { sort: "folder", version }]);
  } catch {
    return [];
  }
}

function remember(known: ReadonlyMap<string, Known>): void {
  const folders = [...known].filter(([, { sort }]) => sort === "folder").slice(-KEPT_MAX);
  try {
    localStorage.setItem(KEY, JSON.stringify(folders.map(([key, { version }]) => [key, version])));
  } catch {
    // Then they are looked into again.
  }
}

export const sorts = new Sorts();
