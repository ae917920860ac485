// A text as the cells of a QR code (ISO/IEC 18004).

import encodeQR from "qr";

/** What its largest code (version 40, level L) holds: this many letters and digits, or bytes of any other text. */
const LETTERS_MAX = 4296;
const BYTES_MAX = 2953;

/** The rows of its code with the margin around it, dark cells `true`; nothing where no code holds it. */
export function cellsOf(text: string): boolean[][] | null {
  // Capitals pack tighter, and our text forms read the same.
  const isForm = /^kith:[0-9a-z]+$/.test(text);
  const size = isForm ? text.length : new TextEncoder().encode(text).length;
  if (size > (isForm ? LETTERS_MAX : BYTES_MAX)) return null;
  return encodeQR(isForm ? text.toUpperCase() : text, "raw", { ecc: "low", border: 2 });
}
