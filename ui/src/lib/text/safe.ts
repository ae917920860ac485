// Names and file names as they may be shown. They come from peers, who may mean ill: what cannot be seen, or would reorder
// what stands around it (Unicode TR 36, "Trojan Source"), is shown as a visible escape. Components put the result into <bdi>.

/** Longer names are cut in the middle: no honest one needs more, and a line of a screen holds no more. */
const CHARACTERS_MAX = 200;

// Controls, surrogates without a partner, bidi marks and overrides, line and paragraph separators, and what has no width;
// the joiners U+200C and U+200D stay: Persian and emoji are written with them.
const HIDDEN =
  /\p{Cc}|\p{Cs}|\p{Zl}|\p{Zp}|[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

function escape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `\u2423${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Sentences that may hold names, such as why something failed: their hidden characters as `␣202E`, and the whole of it. */
export function safeText(text: string): string {
  return text
    .split("\n")
    .map((line) => line.replace(HIDDEN, escape))
    .join("\n");
}

/** A name as it may be shown: hidden characters as `␣202E`, and no longer than a line. */
export function safeName(name: string): string {
  const characters = [...name];
  const shown =
    characters.length <= CHARACTERS_MAX
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
