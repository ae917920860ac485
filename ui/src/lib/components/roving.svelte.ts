// One tab stop for many things: Tab leads to the one that had the focus last, and keys from there to the others (ARIA Authoring Practices, "roving tabindex").

/** Where a key leads, of as many things in a row; nothing for other keys. Behind the last comes the first. */
export function stepped(key: string, at: number, count: number): number | null {
  if (count === 0) return null;
  switch (key) {
    case "ArrowRight":
    case "ArrowDown":
      return (at + 1) % count;
    case "ArrowLeft":
    case "ArrowUp":
      return (at - 1 + count) % count;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}

/** The ids of some things in the order that keys go through them, and which of them Tab leads to. */
export class Roving {
  #last = $state<string | null>(null);
  readonly #ids: () => string[];
  readonly #all = $derived.by(() => this.#ids());
  /** The one that Tab leads to. */
  readonly stop = $derived(this.#last !== null && this.#all.includes(this.#last) ? this.#last : this.#all[0]);

  constructor(ids: () => string[]) {
    this.#ids = ids;
  }

  /** It has the focus. */
  visit(id: string): void {
    this.#last = id;
  }

  /** Gives the focus to where a key leads from this one, among what carries ids as `data-rove` in there. */
  walk(event: KeyboardEvent, id: string, within: Element | undefined): void {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const to = this.#all[stepped(event.key, this.#all.indexOf(id), this.#all.length) ?? -1];
    if (to === undefined) return;
    event.preventDefault();
    this.#last = to;
    const all = [...(within?.querySelectorAll<HTMLElement | SVGElement>("[data-rove]") ?? [])];
    all.find((it) => it.dataset.rove === to)?.focus();
  }
}
