// Why a call failed, apart from the calls themselves: the words for it are looked up by it.

import type { components } from "./schema";

/** `away`: the daemon did not answer at all. `locked`: it does not know this browser (any more). */
export type ErrorKind = components["schemas"]["Failure"]["kind"] | "away" | "locked";
