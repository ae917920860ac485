// Names and file names as they may be shown. They come from peers, who may mean ill: what cannot be seen, or would reorder
// what stands around it (Unicode TR 36, "Trojan Source"), is shown as a visible escape. Components put the result into <bdi>.

/** Longer names are cut in the middle: no honest one needs more, and a line of a screen holds no more. */
const CHARACTERS_MAX = 200;

// Controls, surrogates without a partner, what reorders, and what is shown as nothing (Unicode's Default_Ignorable_Code_Point, a blank of Braille, marks of
// annotations): as crates/core/src/identity/visible.rs has it, which a test compares. Joiners and selectors of variants stay: Persian, emoji and ideographs are written with them.
const HIDDEN =
  /\u{34f}|[\u{17b4}-\u{17b5}]|[\u{180b}-\u{180f}]|[\p{Cc}\p{Cs}\u{ad}\u{61c}\u{115f}-\u{1160}\u{200b}\u{200e}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{2800}\u{3164}\u{feff}\u{ffa0}\u{fff0}-\u{fffb}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e00ff}\u{e01f0}-\u{e0fff}]/gu;

/** First strong isolate and its end: what stands between the two keeps its own direction, and changes none around it. */
const [ISOLATE, END] = ["\u2068", "\u2069"];
const ISOLATED = /(\u2068[^\u2066-\u2069]*\u2069)/u;
/** What is written from right to left, by its script. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

function escape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `\u2423${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Sentences that may hold names, such as why something failed: their hidden characters as `␣202E`, and the whole of it. */
export function safeText(text: string): string {
  return text
    .split("\n")
    .map((line) => line.split(ISOLATED).map(shownPart).join(""))
    .join("\n");
}

/** A part of a sentence; what is isolated in it stays so. */
function shownPart(part: string): string {
  if (!ISOLATED.test(part)) return part.replace(HIDDEN, escape);
  return ISOLATE + part.slice(1, -1).replace(HIDDEN, escape) + END;
}

/** A name as it may be shown within a sentence or beside a number: one from right to left swaps places with neither. */
export function isolated(name: string): string {
  const shown = safeName(name);
  return RIGHT_TO_LEFT.test(shown) ? ISOLATE + shown + END : shown;
}

/** A name as it may be shown: hidden characters as `␣202E`, and no longer than a line. */
export function safeName(name: string): string {
  const characters = [...name];
  const shown =
    // One that was cut before is one longer.
    characters.length <= CHARACTERS_MAX + 1
      ? name
      : `${characters.slice(0, CHARACTERS_MAX / 2).join("")}…${characters.slice(-CHARACTERS_MAX / 2).join("")}`;
  return shown.replace(HIDDEN, escape);
}

/** Whether a name has characters that are shown as escapes, so that a warning can stand beside it. */
export function isSuspicious(name: string): boolean {
  return name.search(HIDDEN) >= 0;
}

/** The last part of a path. */
export function lastOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** A path of the API, each part encoded, so that `?`, `#` and `%` in a file name stay part of it. */
export function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
