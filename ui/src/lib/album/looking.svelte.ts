// Files that were dropped or chosen, while they are looked at before anything is done with them: how far that is, and a way to end it.

/** As often as a number is read while it changes. */
const SHOW_EVERY_MS = 100;

export class Looking {
  /** What is done now. */
  readonly what = $state<"reading" | "places">("reading");
  /** Files found, or looked at, so far. */
  count = $state(0);
  /** Of how many, where that is known. */
  total = $state<number | null>(null);
  #stop = new AbortController();
  #shownAt = 0;

  constructor(what: "reading" | "places", total: number | null = null) {
    this.what = what;
    this.total = total;
  }

  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  stop(): void {
    this.#stop.abort();
  }

  /** So many it is by now; shown now and then, so that a page which counts to ten thousand does nothing else. */
  reach(count: number): void {
    const now = performance.now();
    if (now - this.#shownAt < SHOW_EVERY_MS) return;
    this.#shownAt = now;
    this.count = count;
  }
}
