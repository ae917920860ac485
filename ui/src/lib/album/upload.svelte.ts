// Files on their way from the browser into an album of this node. They go on while other pages are looked at.

import * as api from "../api/client";
import { live } from "../state/live.svelte";
import { toasts } from "../state/toasts.svelte";
import { t } from "../text/strings";
import type { Dropped } from "./dropped";

/** For all uploads together: enough that small pictures do not wait for each other, and half of the six connections that a browser makes to one place. */
const AT_ONCE = 3;
/** A list of more failures is read by nobody. */
const FAILURES_SHOWN = 5;

export interface Failed {
  path: string;
  words: string;
}

/** Who may send now; the others wait for their turn. */
class Lanes {
  #free = AT_ONCE;
  #waiting: (() => void)[] = [];

  /** Resolves when it is one's turn, to what ends it; to null when one does not want to wait any more. */
  async enter(signal: AbortSignal): Promise<(() => void) | null> {
    if (signal.aborted) return null;
    if (this.#free > 0) this.#free -= 1;
    else {
      const isTurn = await new Promise<boolean>((resolve) => {
        const next = () => resolve(true);
        this.#waiting.push(next);
        signal.addEventListener("abort", () => {
          this.#waiting = this.#waiting.filter((it) => it !== next);
          resolve(false);
        });
      });
      if (!isTurn) return null;
    }
    return () => {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    };
  }
}

const lanes = new Lanes();

export class Upload {
  readonly album: string;
  readonly total: number;
  readonly bytesTotal: number;
  done = $state(0);
  bytes = $state(0);
  failed = $state.raw<Failed[]>([]);
  failedCount = $state(0);
  isOver = $state(false);
  /** Those that were not added and may be the next time: they are still where they were. */
  left: Dropped[] = [];
  /** Whether pictures go in without what they say beside their pixels, also the next time. */
  readonly isBare: boolean;
  #stop = new AbortController();
  /** Nothing is left that anybody would have to wait for. */
  #empty = new AbortController();
  #queue: Dropped[];

  constructor(album: string, files: Dropped[], isBare: boolean) {
    this.album = album;
    this.isBare = isBare;
    this.#queue = files.toReversed();
    this.total = files.length;
    this.bytesTotal = files.reduce((all, { file }) => all + file.size, 0);
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, this.total) }, () => this.#work()));
    this.isOver = true;
    if (this.#stop.signal.aborted) toasts.say(t.upload.stopped(this.done, this.total));
    live.refresh("shares");
  }

  stop(): void {
    this.#queue = [];
    this.#stop.abort();
  }

  async #work(): Promise<void> {
    const signal = AbortSignal.any([this.#stop.signal, this.#empty.signal]);
    for (;;) {
      const leave = await lanes.enter(signal);
      const next = this.#queue.pop();
      if (this.#queue.length === 0) this.#empty.abort();
      if (leave && next) await this.#send(next);
      leave?.();
      if (!next || signal.aborted) return;
    }
  }

  async #send(next: Dropped): Promise<void> {
    let sent = 0;
    const count = (bytes: number) => {
      this.bytes += bytes - sent;
      sent = bytes;
    };
    try {
      await api.addFile(this.album, next.path, next.file, this.isBare, count, this.#stop.signal);
      count(next.file.size);
      this.done += 1;
    } catch (error) {
      count(0);
      if (this.#stop.signal.aborted) return;
      this.failedCount += 1;
      if (!isFinal(error)) this.left.push(next);
      const failed = { path: next.path, words: api.wordsOf(error) };
      this.failed = [...this.failed, failed].slice(0, FAILURES_SHOWN);
    }
  }
}

/** What makes no sense to the node makes none the next time: a name that cannot be, or what should be bare and is no picture. */
const isFinal = (error: unknown) => error instanceof api.ApiError && error.kind === "usage";

class Uploads {
  all = $state.raw<Upload[]>([]);
  /** Those that are under way, or of which something was not added and nobody has read it. */
  readonly shown = $derived(this.all.filter((upload) => !upload.isOver || upload.failedCount > 0));
  /** Whether something would be lost with the page. */
  readonly isRunning = $derived(this.all.some((upload) => !upload.isOver));

  /** Puts files into an album; bare, without what pictures say beside their pixels. */
  start(album: string, files: Dropped[], isBare = false): Upload {
    const upload = new Upload(album, files, isBare);
    this.all = [...this.shown, upload];
    void upload.run();
    return upload;
  }

  /** Tries once more what was not added, when there is room again, say; as it was to be added. */
  again(upload: Upload): Upload {
    this.dismiss(upload);
    return this.start(upload.album, upload.left, upload.isBare);
  }

  dismiss(upload: Upload): void {
    this.all = this.all.filter((it) => it !== upload);
  }
}

export const uploads = new Uploads();
