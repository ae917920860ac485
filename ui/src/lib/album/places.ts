// Which files say where they were taken, seen in the browser before they are handed to the node. It is a look at their first and last pieces, to tell
// their owner; what is left out, and that all of it is, is the node's work.

import type { Dropped } from "./dropped";

/** What some pictures say. Numbers are of files. */
export interface Places {
  /** Those that are looked through: JPEG, PNG, WebP. */
  pictures: number;
  /** Those that say where they were taken. */
  place: number;
  /** Files of other kinds: what they say is not known, and nothing is left out of them. */
  unknown: number;
  /** The first of those that say a place. */
  examples: string[];
}

/** Cameras write EXIF and XMP first, before the pixels; */
const FIRST_BYTES = 256 * 1024;
/** a WebP has them last. */
const LAST_BYTES = 64 * 1024;
/** A longer list is read by nobody. */
const EXAMPLES_MAX = 5;
/** Enough that a disk is busy. */
const AT_ONCE = 8;

/** What these files say, as far as `isWanted` does not end it; `onlooked` is told how many it has looked at. */
export async function lookAt(
  files: Dropped[],
  isWanted: () => boolean,
  onlooked: (count: number) => void = () => undefined,
): Promise<Places> {
  const found: Places = { pictures: 0, place: 0, unknown: 0, examples: [] };
  const queue = files.toReversed();
  const work = async () => {
    for (let next = queue.pop(); next && isWanted(); next = queue.pop()) {
      const says = await saysPlace(next.file).catch(() => null);
      if (says === null) found.unknown += 1;
      else found.pictures += 1;
      onlooked(found.unknown + found.pictures);
      if (!says) continue;
      found.place += 1;
      if (found.examples.length < EXAMPLES_MAX) found.examples.push(next.path);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

/** Whether a picture says where it was taken; null for what is no JPEG, PNG or WebP. */
export async function saysPlace(file: Blob): Promise<boolean | null> {
  const first = new Uint8Array(await file.slice(0, FIRST_BYTES).arrayBuffer());
  if (!isPicture(first)) return null;
  const last = new Uint8Array(await file.slice(Math.max(FIRST_BYTES, file.size - LAST_BYTES)).arrayBuffer());
  return [first, last].some((piece) => hasPlace(piece));
}

/** What the files begin with that are looked through; 0 where anything may stand. */
const BEGINNINGS = [
  [0xff, 0xd8, 0xff],
  [0x89, 0x50, 0x4e, 0x47],
  [0x52, 0x49, 0x46, 0x46, 0, 0, 0, 0, 0x57, 0x45, 0x42, 0x50],
];

const isPicture = (bytes: Uint8Array): boolean =>
  BEGINNINGS.some((beginning) => beginning.every((byte, at) => byte === 0 || bytes[at] === byte));

/** Each byte as a character; those of ASCII as themselves. */
const latin = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);

function hasPlace(bytes: Uint8Array): boolean {
  const text = latin(bytes);
  // XMP names it in words (Exif in XMP, ISO 16684-1).
  if (/GPS(Latitude|Longitude|Position)/.test(text)) return true;
  // EXIF is TIFF, in one byte order or the other; its first directory names that of the place.
  for (const header of text.matchAll(/II\*\0|MM\0\*/g)) {
    if (namesPlace(new DataView(bytes.buffer, bytes.byteOffset + header.index), header[0] === "II*\0"))
      return true;
  }
  return false;
}

/** Whether a TIFF has the directory of a place (CIPA DC-008, tag 0x8825). */
function namesPlace(tiff: DataView, isLittle: boolean): boolean {
  try {
    const first = tiff.getUint32(4, isLittle);
    const count = tiff.getUint16(first, isLittle);
    for (let entry = 0; entry < count; entry += 1) {
      if (tiff.getUint16(first + 2 + 12 * entry, isLittle) === 0x8825) return true;
    }
  } catch {
    // It was no TIFF, or is cut off here.
  }
  return false;
}
