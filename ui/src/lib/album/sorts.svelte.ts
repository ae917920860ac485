// Which shares are albums, and which are folders of files: by what most of their files are, so that nobody has to say it. Until a share was looked into
// once it is neither; one that cannot be looked into counts as an album, and all of them are under Files: none is lost between the two.

import { SvelteMap, SvelteSet } from "svelte/reactivity";
import { sourceOf, type ShareRef } from "../api/content";
import type { Found } from "../state/found";
import { listed } from "../state/listing";
import { live } from "../state/live.svelte";
import { sortOf, type Sort } from "./kinds";

/** Remembered by the browser, so that each share is in its place at once when the app is opened. */
const KEY = "kith.sorts";
/** More are seldom shared with anybody, and these take 200 kB; those known longest go. */
const KEPT_MAX = 1_000;

/** Of the six connections that a browser makes to one place, two are left for what people do meanwhile. */
const AT_ONCE = 4;
/** Whoever shares hundreds is not asked for all of them together, and whoever answers late keeps nobody else's waiting. */
const AT_ONCE_OF_ONE = 2;
/** What is found out meanwhile is told together, so that a page that is filled by it moves seldom. */
const TOGETHER_MS = 400;

interface Known {
  sort: Sort;
  /** What was looked into. */
  version: string;
}

class Sorts {
  #known = new SvelteMap<string, Known>(remembered());
  /** Those that could not be looked into. */
  #closed = new SvelteSet<string>();
  #asked = new Set<string>();
  /** Whose are being looked into; and those that wait for their turn. */
  #busy: string[] = [];
  #waiting: { owner: string; begin: () => void }[] = [];
  #untold: (() => void)[] = [];
  #telling: ReturnType<typeof setTimeout> | undefined;

  /** What a share was when it was looked into last. */
  of(share: ShareRef): Sort {
    return this.#known.get(sourceOf(share, ""))?.sort ?? "album";
  }

  /** The same of one's own. */
  ofMine(share: string): Sort {
    return this.of({ owner: live.node?.peer_id ?? "", share });
  }

  /** Whether it was looked into once, or cannot be: before, it has no place yet. */
  isPlaced(share: ShareRef): boolean {
    const key = sourceOf(share, "");
    return this.#known.has(key) || this.#closed.has(key);
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
    await this.#enter(of.owner);
    try {
      const sort = await sortOf(async (path) => (await listed(of, path, hash, isAway)).entries);
      this.#tell(() => this.#keep(key, { sort, version }), asked);
    } catch {
      // Whoever opens it is told why.
      this.#tell(() => this.#closed.add(key), asked);
    }
    this.#leave(of.owner);
  }

  /** Waits for one's turn. */
  async #enter(owner: string): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.push({ owner, begin: resolve });
      this.#next();
    });
  }

  #leave(owner: string): void {
    this.#busy.splice(this.#busy.indexOf(owner), 1);
    this.#next();
  }

  #next(): void {
    if (this.#busy.length >= AT_ONCE) return;
    const isFree = (owner: string) => this.#busy.filter((it) => it === owner).length < AT_ONCE_OF_ONE;
    const at = this.#waiting.findIndex((it) => isFree(it.owner));
    const [next] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (!next) return;
    this.#busy.push(next.owner);
    next.begin();
  }

  #keep(key: string, known: Known): void {
    // Behind those known longer.
    this.#known.delete(key);
    this.#known.set(key, known);
    remember(this.#known);
  }

  /** Tells it with whatever else is found out in a moment; at once where nothing else is. */
  #tell(done: () => void, asked: string): void {
    this.#untold.push(() => {
      this.#asked.delete(asked);
      done();
    });
    if (this.#untold.length === this.#asked.size) this.#tellAll();
    else this.#telling ??= setTimeout(() => this.#tellAll(), TOGETHER_MS);
  }

  #tellAll(): void {
    clearTimeout(this.#telling);
    this.#telling = undefined;
    for (const tell of this.#untold.splice(0)) tell();
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
        (it): it is [string, string, Sort] =>
          Array.isArray(it) &&
          it.every((text) => typeof text === "string") &&
          (it[2] === "album" || it[2] === "folder"),
      )
      .map(([key, version, sort]) => [key, { sort, version }]);
  } catch {
    return [];
  }
}

function remember(known: ReadonlyMap<string, Known>): void {
  const kept = [...known].slice(-KEPT_MAX).map(([key, { version, sort }]) => [key, version, sort]);
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // Then they are looked into again.
  }
}

export const sorts = new Sorts();
