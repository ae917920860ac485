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
  examples: Example[];
}

/** A picture that says where it was taken. */
export interface Example {
  path: string;
  /** The picture, where the browser has it. */
  file: File | null;
  /** The place, as far as it was read. */
  at: Position | null;
}

/** In degrees; to the north and to the east. */
export interface Position {
  latitude: number;
  longitude: number;
}

/** Cameras write EXIF and XMP first, before the pixels; */
const FIRST_BYTES = 256 * 1024;
/** a WebP has them last. */
const LAST_BYTES = 64 * 1024;
/** A longer list is read by nobody. */
const EXAMPLES_MAX = 12;
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
      const said = await placeOf(next.file).catch(() => null);
      if (said === null) found.unknown += 1;
      else found.pictures += 1;
      onlooked(found.unknown + found.pictures);
      if (!said?.isSaid) continue;
      found.place += 1;
      if (found.examples.length < EXAMPLES_MAX) found.examples.push({ ...next, at: said.at });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

/** What a picture says of where it was taken. */
interface Said {
  isSaid: boolean;
  at: Position | null;
}

const NOTHING_SAID: Said = { isSaid: false, at: null };

/** What a picture says of where it was taken; null for what is no JPEG, PNG or WebP. */
export async function placeOf(file: Blob): Promise<Said | null> {
  const first = new Uint8Array(await file.slice(0, FIRST_BYTES).arrayBuffer());
  if (!isPicture(first)) return null;
  const last = new Uint8Array(await file.slice(Math.max(FIRST_BYTES, file.size - LAST_BYTES)).arrayBuffer());
  const said = [first, last].map((piece) => read(piece));
  return said.find(({ at }) => at !== null) ?? said.find(({ isSaid }) => isSaid) ?? NOTHING_SAID;
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

function read(bytes: Uint8Array): Said {
  const text = latin(bytes);
  let said = NOTHING_SAID;
  // EXIF is TIFF, in one byte order or the other; its first directory names that of the place.
  for (const header of text.matchAll(/II\*\0|MM\0\*/g)) {
    const tiff = new Tiff(new DataView(bytes.buffer, bytes.byteOffset + header.index), header[0] === "II*\0");
    const place = tiff.place();
    if (place === undefined) continue;
    said = { isSaid: true, at: tiff.position(place) };
    if (said.at !== null) return said;
  }
  // XMP names it in words (Exif in XMP, ISO 16684-1).
  return /GPS(Latitude|Longitude|Position)/.test(text) ? { isSaid: true, at: null } : said;
}

/** As much of a TIFF as says a place (TIFF 6.0, section 2; CIPA DC-008, section 4.6.6). It may be none, or cut off: then it says nothing. */
class Tiff {
  constructor(
    private readonly view: DataView,
    private readonly isLittle: boolean,
  ) {}

  /** Where the directory of the place is; nothing where there is none. */
  place(): number | undefined {
    return this.#try(() => {
      const entry = this.#entry(this.#long(4), 0x8825);
      return entry === undefined ? undefined : this.#long(entry + 8);
    });
  }

  position(place: number): Position | null {
    const latitude = this.#try(() => this.#degrees(place, 1, 2, 90, "S"));
    const longitude = this.#try(() => this.#degrees(place, 3, 4, 180, "W"));
    return latitude === undefined || longitude === undefined ? null : { latitude, longitude };
  }

  /** Degrees, minutes and seconds, and on which side of zero. */
  #degrees(place: number, side: number, angle: number, most: number, negative: string): number | undefined {
    const [sideAt, angleAt] = [this.#entry(place, side), this.#entry(place, angle)];
    if (sideAt === undefined || angleAt === undefined) return undefined;
    const at = this.#long(angleAt + 8);
    const parts = [0, 8, 16].map((offset) => this.#long(at + offset) / this.#long(at + offset + 4));
    const degrees = parts.reduce((sum, part, index) => sum + part / 60 ** index, 0);
    // Nothing by nothing is no number, and neither is less than anything.
    if (!(degrees <= most)) return undefined;
    return String.fromCharCode(this.view.getUint8(sideAt + 8)) === negative ? -degrees : degrees;
  }

  /** Where an entry of a directory is. */
  #entry(directory: number, tag: number): number | undefined {
    const count = this.view.getUint16(directory, this.isLittle);
    for (let at = directory + 2; at < directory + 2 + 12 * count; at += 12) {
      if (this.view.getUint16(at, this.isLittle) === tag) return at;
    }
    return undefined;
  }

  #long(at: number): number {
    return this.view.getUint32(at, this.isLittle);
  }

  #try<T>(read: () => T | undefined): T | undefined {
    try {
      return read();
    } catch {
      return undefined;
    }
  }
}
