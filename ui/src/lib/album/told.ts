// What the owner of a share is told of it in one line.

import type { Share } from "../api/client";
import { isolated } from "../text/safe";
import { t } from "../text/strings";

/** That what is shared is not where it is shared from, where that is so. */
export const absence = (of: Share): string[] =>
  typeof of.absent === "string" ? [(of.silent ? t.album.silent : t.album.absent)(isolated(of.absent))] : [];

export const told = (of: Share): string =>
  [
    t.common.filesAndBytes(of.files, of.bytes),
    t.audience.told(of.audience, of.with),
    ...(of.bare ? [t.places.bare] : []),
    ...(of.left_out_count > 0 ? [t.places.leftOut(of.left_out_count)] : []),
    // What is put there is shared: there is no other way to add to it.
    ...(of.album ? [] : [t.album.onDisk(isolated(of.paths[0] ?? ""))]),
  ].join(" · ");
