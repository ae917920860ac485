// Where somebody is in the app, as the location says.

import { format, parse, type Route } from "../router";

class Place {
  route = $state.raw<Route>(parse(location.hash));

  constructor() {
    addEventListener("hashchange", () => {
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
}

export const place = new Place();
export { format as href };
