// What somebody pasted, dropped or scanned. Only a first look, so that the right next step can be offered at once: whether it
// holds is for the daemon to say.

export type Handed =
  | { kind: "invite"; text: string }
  | { kind: "link"; text: string }
  | { kind: "introducer"; text: string }
  | { kind: "peer"; text: string }
  | { kind: "unknown" }
  | { kind: "nothing" };

/** More than any text form is long; what is longer is not looked at. */
const CHARACTERS_MAX = 16 * 1024;

const FORMS = [
  ["invite", /\bkith:invite1[02-9a-z]+/],
  ["link", /\bkith:link1[02-9a-z]+/],
  ["introducer", /\bkith:introducer1[02-9a-z]+/],
  ["peer", /\bpeer1[02-9a-z]+/],
] as const;

/** Finds the first of our text forms in `text`: alone, wrapped by a mail program, in capitals (as QR codes like them), or in a sentence. */
export function classify(text: string): Handed {
  if (text.trim() === "") return { kind: "nothing" };
  if (text.length > CHARACTERS_MAX) return { kind: "unknown" };
  for (const candidate of [text, unwrapped(text)]) {
    const lower = candidate.toLowerCase();
    for (const [kind, form] of FORMS) {
      const found = form.exec(lower);
      if (found) return { kind, text: found[0] };
    }
  }
  return { kind: "unknown" };
}

/** A text form that mail or a chat broke into lines, as one; a sentence stays one. */
function unwrapped(text: string): string {
  return text.replace(/\s*\n[>\s]*/g, "");
}
