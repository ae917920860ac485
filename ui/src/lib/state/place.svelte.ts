// Where somebody is in the app, as the location says.

import { format, parse, type Route } from "../router";

/** What an entry of the history keeps. A new one has nothing until it is seen here. */
interface Kept {
  /** The hash it was come from; nothing for the first. */
  from: string | null;
}

class Place {
  route = $state.raw<Route>(parse(location.hash));
  /** How far down the page was, in pixels, where somebody has come back to it; else its top. */
  top = 0;
  /** By hash: how far down each page was when it was left. */
  #tops = new Map<string, number>();

  constructor() {
    // A browser would scroll the page that is left to where the other was.
    history.scrollRestoration = "manual";
    if (history.state === null) this.#keep({ from: null });
    addEventListener("hashchange", ({ oldURL }) => {
      const left = new URL(oldURL).hash;
      this.#tops.set(left, scrollY);
      const isNew = history.state === null;
      if (isNew) this.#keep({ from: left });
      this.top = isNew ? 0 : (this.#tops.get(location.hash) ?? 0);
      this.route = parse(location.hash);
    });
  }

  /** Goes there; `replace` leaves no step to go back to. */
  go(route: Route, replace = false): void {
    const hash = format(route);
    if (replace) {
      history.replaceState(history.state, "", hash);
      this.route = parse(hash);
    } else {
      location.hash = hash;
    }
  }

  /** Leaves what was opened on a page for that page: by a step back where one came from there, so that the history has no second of it. */
  leave(route: Route): void {
    const hash = format(route);
    if ((history.state as Kept | null)?.from !== hash) return this.go(route, true);
    this.route = parse(hash);
    history.back();
  }

  #keep(kept: Kept): void {
    history.replaceState(kept, "");
  }
}

export const place = new Place();
export { format as href };
