// What a page is called: for the browser's tab, its history, and whoever has the title read out.

import type { Route } from "../router";
import { lastOf, safeName } from "../text/safe";
import { t } from "../text/strings";
import { findShare } from "./found";
import { live } from "./live.svelte";

export function titleOf(route: Route): string {
  const name = nameOf(route);
  return name === undefined ? t.common.app : `${safeName(name)} – ${t.common.app}`;
}

function nameOf(route: Route): string | undefined {
  switch (route.page) {
    case "album":
    case "folder":
      return route.path === "" ? findShare(route.peer, route.share)?.name : lastOf(route.path);
    case "person":
      return live.byPeer.get(route.peer)?.name;
    case "transfers":
      return t.transfers.title;
    case "welcome":
      return undefined;
    case "missing":
      return t.common.missingTitle;
    default:
      return t.nav[route.page];
  }
}
