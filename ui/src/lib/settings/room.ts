// How much room copies may take, as it is typed.

/** A pebibyte: more than any disk this runs on, and far from what a number holds. */
export const MEBIBYTES_MAX = 2 ** 30;

/** A whole number of MiB; nothing where the text is none, or means more than there can be. */
export function mebibytes(text: string): number | null {
  const digits = text.trim();
  if (!/^[0-9]{1,10}$/.test(digits)) return null;
  const number = Number(digits);
  return number <= MEBIBYTES_MAX ? number : null;
}
