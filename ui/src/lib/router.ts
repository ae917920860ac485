// Where in the app somebody is: a hash route, so that the page works wherever it is served from and the back button does what
// it should. Segments are encoded, since names of shares and files come from peers.

export type Route =
  | { page: "welcome" }
  | { page: "albums" }
  | { page: "album"; peer: string | null; share: string; path: string; view: string | null }
  | { page: "files" }
  | { page: "folder"; peer: string | null; share: string; path: string; view: string | null }
  | { page: "transfers" }
  | { page: "people" }
  | { page: "person"; peer: string }
  | { page: "network" }
  | { page: "settings" }
  | { page: "missing" };

/** In place of a peer: the share is one's own. */
const MINE = "mine";
/** In place of a peer: what stands where the share would is a link. */
export const BY_LINK = "link";

/** The route of a location's hash. */
export function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#?\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(decode);
  const [page = "albums", first, second, ...rest] = parts;
  switch (page) {
    case "albums":
    case "files":
      if (first === undefined) return { page };
      if (second === undefined) return { page: "missing" };
      return at(page, first === MINE ? null : first, second, rest.join("/"), query);
    case "people":
      return first === undefined ? { page } : { page: "person", peer: first };
    case "welcome":
    case "transfers":
    case "network":
    case "settings":
      return { page };
    default:
      return { page: "missing" };
  }
}

function at(
  page: "albums" | "files",
  peer: string | null,
  share: string,
  path: string,
  query: string,
): Route {
  const view = new URLSearchParams(query).get("view");
  return { page: page === "files" ? "folder" : "album", peer, share, path, view };
}

/** The hash of a route: what `parse` reads. */
export function format(route: Route): string {
  switch (route.page) {
    case "album":
    case "folder": {
      const page = route.page === "album" ? "albums" : "files";
      const parts = [page, route.peer ?? MINE, route.share, ...route.path.split("/").filter(Boolean)];
      const view = route.view === null ? "" : `?view=${encodeURIComponent(route.view)}`;
      return `#/${parts.map(encodeURIComponent).join("/")}${view}`;
    }
    case "person":
      return `#/people/${encodeURIComponent(route.peer)}`;
    case "missing":
      return "#/";
    default:
      return `#/${route.page}`;
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
