// Which files say where they were taken, seen in the browser before they are handed to the node. It is a look at their first and last pieces, at the
// chunks of PNG and WebP and at the tables of films, to tell their owner; what is left out, and that all of it is, is the node's work.

import type { Dropped } from "./dropped";

/** What some pictures say. Numbers are of files. */
export interface Places {
  /** Those that are looked through: JPEG, PNG, WebP, and what is made of boxes: HEIC, AVIF, MP4, MOV. */
  pictures: number;
  /** Those that say where they were taken. */
  place: number;
  /** Files of other kinds, and pictures that cannot be read to their end: what they say is not known. */
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
/** What is no picture and no sound of a film, and still read: the tables of some hours. */
const TABLES_BYTES_MAX = 32 * 1024 * 1024;
/** Films have some ten boxes, and pictures two or three items beside themselves. */
const BOXES_MAX = 256;
const ITEMS_MAX = 16;
/** Pixels of a PNG often come by 8 KiB: these are 128 MiB. */
const CHUNKS_MAX = 16_384;
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

/** What a picture or a film says of where it was taken; null for what is no JPEG, PNG or WebP, nor made of boxes, and where it cannot be told. */
export async function placeOf(file: Blob): Promise<Said | null> {
  const first = await piece(file, 0, FIRST_BYTES);
  if (latin(first.subarray(4, 8)) === "ftyp") return inBoxes(file);
  if (!isPicture(first)) return null;
  const last = await piece(file, Math.max(FIRST_BYTES, file.size - LAST_BYTES), file.size);
  const said = [read(first), read(last)];
  const isKnown = first[0] === 0xff || (await inChunks(file, first, said));
  const most = told(said);
  return most.isSaid || isKnown ? most : null;
}

const piece = async (file: Blob, start: number, end: number) =>
  new Uint8Array(await file.slice(start, end).arrayBuffer());

const told = (said: Said[]): Said =>
  said.find(({ at }) => at !== null) ?? said.find(({ isSaid }) => isSaid) ?? NOTHING_SAID;

/**
 * Adds what the chunks of a PNG or a WebP say, also between pixels and the last piece. Whether all were seen. What is packed may say a
 * place, and is taken to.
 */
async function inChunks(file: Blob, first: Uint8Array, said: Said[]): Promise<boolean> {
  const isPng = first[0] === 0x89;
  const long = (bytes: Uint8Array, at: number) => new DataView(bytes.buffer).getUint32(at, !isPng);
  let end = isPng ? file.size : 8 + long(first, 4);
  let [at, start, held, room] = [isPng ? 8 : 12, 0, first, TABLES_BYTES_MAX];
  for (let count = 0; at < end; count += 1) {
    // Many short ones are read at once, and long ones passed over.
    if (at + 8 > start + held.length) [start, held] = [at, await piece(file, at, at + FIRST_BYTES)];
    if (held.length < 8 || count === CHUNKS_MAX) return false;
    const head = latin(held.subarray(at - start, at - start + 8));
    const length = long(held, at - start + (isPng ? 0 : 4));
    const next = at + 8 + length + (isPng ? 4 : length % 2);
    if (next > file.size) return false;
    if (TOLD_IN_CHUNKS.test(head)) {
      room -= length;
      if (room < 0) return false;
      const content = await piece(file, at + 4, at + 8 + length);
      said.push(read(content));
      if (PACKED.test(latin(content))) said.push({ isSaid: true, at: null });
    }
    at = next;
    if (head.endsWith("IEND")) end = at;
  }
  return true;
}

/** The same of a file of boxes (ISO 14496-12), whatever its length; null where they are not whole, and no place was seen before. */
async function inBoxes(file: Blob): Promise<Said | null> {
  const said: Said[] = [];
  let [at, count, room, isKnown, isWhole] = [0, 0, TABLES_BYTES_MAX, false, true];
  while (at + 8 <= file.size && count++ < BOXES_MAX) {
    const head = await piece(file, at, at + 16);
    const view = new DataView(head.buffer);
    const kind = latin(head.subarray(4, 8));
    let [start, size] = [8, view.getUint32(0)];
    if (size === 1 && head.length === 16) [start, size] = [16, Number(view.getBigUint64(8))];
    if (size === 0) size = file.size - at;
    const end = at + size;
    if (size < start || end > file.size) break;
    if (!/^(ftyp|mdat|free|skip|wide)$/.test(kind)) {
      room -= size;
      if (room < 0) break;
      const content = await piece(file, at + start, end);
      // Pieces of a film that come later, and tracks that are neither pictures nor sound, are looked into by nobody here.
      isWhole &&= kind !== "moof" && !(kind === "moov" && OTHER_TRACKS.test(latin(content)));
      said.push(read(content, PLACES_IN_BOXES));
      if (kind === "meta")
        for (const [from, length] of itemsIn(content))
          said.push(read(await piece(file, from, from + Math.min(length, FIRST_BYTES))));
      isKnown ||= kind === "meta" || kind === "moov";
    }
    at = end;
  }
  const most = told(said);
  return most.isSaid || (isKnown && isWhole && at === file.size) ? most : null;
}

/** Where EXIF and XMP of a picture of boxes lie, and how long they are (ISO 14496-12, sections 8.11.3 and 8.11.6). */
function itemsIn(meta: Uint8Array): [number, number][] {
  const text = latin(meta);
  const ids = new Set<number>();
  for (const item of text.matchAll(/infe[^]{4}(?:[^]{2})?[^]{4}(?:Exif|mime)/g)) {
    // Its number stands before two bytes and its kind. Of a text it cannot be read: bytes become other letters there.
    const at = item.index + item[0].length - 8;
    ids.add((meta[at] ?? 0) * 256 + (meta[at + 1] ?? 0));
  }
  const found: [number, number][] = [];
  let at = text.indexOf("iloc") + 4;
  // What is cut off is no number, and ends all.
  const number = (bytes: number): number => {
    let value = 0;
    for (const end = at + bytes; at < end; at += 1) value = value * 256 + (meta[at] ?? NaN);
    return value;
  };
  const version = number(4) >> 24;
  const sizes = number(2);
  const bytes = (shift: number) => (sizes >> shift) & 15;
  const wide = version < 2 ? 2 : 4;
  if (bytes(8) === 0) return found;
  for (let items = number(wide); items > 0 && at < meta.length; items -= 1) {
    const id = number(wide);
    const isInFile = version === 0 || (number(2) & 15) === 0;
    number(2);
    const base = number(bytes(4));
    for (let extents = number(2); extents > 0 && at < meta.length; extents -= 1) {
      if (version > 0) number(bytes(0));
      const start = base + number(bytes(12));
      const length = number(bytes(8));
      if (ids.has(id) && isInFile && found.length < ITEMS_MAX) found.push([start, length]);
    }
  }
  return found;
}

/** Each byte as a character; those of ASCII as themselves, others not (WHATWG Encoding: this is windows-1252). */
const latin = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);

/** What the files begin with that are looked through; 0 where anything may stand. */
const BEGINNINGS = [
  [0xff, 0xd8, 0xff],
  [0x89, 0x50, 0x4e, 0x47],
  [0x52, 0x49, 0x46, 0x46, 0, 0, 0, 0, 0x57, 0x45, 0x42, 0x50],
];

const isPicture = (bytes: Uint8Array): boolean =>
  BEGINNINGS.some((beginning) => beginning.every((byte, at) => byte === 0 || bytes[at] === byte));

/** XMP names it in words (Exif in XMP, ISO 16684-1), */
const PLACES_IN_XMP = /GPS(Latitude|Longitude|Position)/i;
/** and so do films: QuickTime's user data and keys, 3GPP's, and tracks of cameras. The node knows the same names. */
const PLACES_IN_BOXES = /location|GPS|Gps|gps|\xa9xyz|loci|gpmd|rtmd|djmd|camm/;
/** EXIF, XMP and texts: a WebP names them before their length, a PNG after it. */
const TOLD_IN_CHUNKS = /^(EXIF|XMP )|(eXIf|[iz]TXt|tEXt)$/;
/** Texts of a PNG that are compressed XMP, or EXIF in digits. */
const PACKED = /^([itz]..tRaw profile type|(z|i(?=.{20}\0[^\0]))TXtXML:com\.adobe\.xmp)/;
/** A film to which more is added by pieces, or with a track of which it is not known what it tells. */
const OTHER_TRACKS = /mvex|hdlr[^]{8}(?!vide|soun|pict|mdir|mdta|url |alis)/;

function read(bytes: Uint8Array, names = PLACES_IN_XMP): Said {
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
  if (!names.test(text)) return said;
  // By ISO 6709, annex H; else as XMP has it.
  const [, north, east] = /([+-]\d\d(?:\.\d+)?)([+-]\d{3}(?:\.\d+)?)[+-/]/.exec(text) ?? [];
  const latitude = +(north ?? angleIn(text, "Latitude", "S"));
  const longitude = +(east ?? angleIn(text, "Longitude", "W"));
  const isOnEarth = Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
  return { isSaid: true, at: isOnEarth ? { latitude, longitude } : null };
}

/** An angle of XMP (CIPA DC-010, GPSCoordinate): degrees, and after commas minutes and seconds, and on which side; drones write degrees with a sign. */
function angleIn(text: string, name: string, negative: string): number {
  const value = new RegExp(`GPS${name}[="'>\\s]+([+-]?)([\\d.,]+)(\\w?)`, "i").exec(text);
  if (!value) return NaN;
  const [, sign, angle = "", side] = value;
  const degrees = angle.split(",").reduce((sum, part, index) => sum + +part / 60 ** index, 0);
  return sign === "-" || side === negative ? -degrees : degrees;
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
