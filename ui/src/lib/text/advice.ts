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

/** A word that is no path, no file's name and no link. */
const BEGINS_WITH_WORD = /^[a-z]+(?:'[a-z]+)?(?:[,;:]?\s|[.!?…]?$)/;
/** What something is said of by its name, such as a contact's: that stays as its owner wrote it. */
const BEGINS_WITH_NAME =
  /^(?!(?:it|this|that|there|they|others|nobody|nothing|none|one|what|who)\s)\S+ (?:is|was|has|had|holds|exists|cannot|did|does)\b/;
/** It ends as a sentence does; or with a command, which is taken as it stands. */
const IS_ENDED = /[.!?…]$|\brun: [^;]*$/;

/** Words of the daemon, which it also puts behind a colon, as the sentence they are where they stand alone. */
export function sentence(words: string): string {
  const begun =
    BEGINS_WITH_WORD.test(words) && !BEGINS_WITH_NAME.test(words)
      ? words.charAt(0).toUpperCase() + words.slice(1)
      : words;
  return begun === "" || IS_ENDED.test(begun) ? begun : `${begun}.`;
}

/** The same with what to do next. */
export function advised(words: string, kind: string): string {
  if (HAS_ADVICE.test(words)) return sentence(words);
  // A daemon that is newer than this page may know more kinds.
  const advice = kind in ADVICE ? ADVICE[kind as ErrorKind] : ADVICE.failed;
  return `${sentence(words)} ${advice}`;
}
