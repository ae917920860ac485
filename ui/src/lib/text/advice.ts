// What to do next when something failed, by the kind of failure: said where the daemon's own words do not say it.

import type { ErrorKind } from "../api/failure";

export const ADVICE: Readonly<Record<ErrorKind, string>> = {
  failed: "Try again. If it stays so, “Is everything well?” under Settings may tell why.",
  usage: "Change it, and try again.",
  not_found: "Look whether it is still shared, and whether somebody who has it is there; then try again.",
  not_allowed: "Ask whoever shares it to let you in.",
  not_verified: "Nothing of it was kept. Try again later; others who have it may give it as it was meant.",
  away: "Start kith again on this computer (“kith up” in a terminal); this page goes on by itself then.",
  locked: "Type “kith web --open” in a terminal on this computer to be let in.",
};

/** What the daemon's words have where they say what to do next. */
const HAS_ADVICE = /[;?]/;

/** Words of the daemon, with what to do next. */
export function advised(words: string, kind: string): string {
  if (HAS_ADVICE.test(words)) return words;
  // A daemon that is newer than this page may know more kinds.
  const advice = kind in ADVICE ? ADVICE[kind as ErrorKind] : ADVICE.failed;
  const sentence = words.charAt(0).toUpperCase() + words.slice(1);
  return `${sentence}${/[.!…]$/.test(sentence) ? "" : "."} ${advice}`;
}
