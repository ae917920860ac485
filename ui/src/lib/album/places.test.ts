import { describe, expect, it } from "vitest";
import { lookAt, saysPlace } from "./places";

const bytes = (...parts: (string | number[])[]) =>
  new Blob(
    parts.map((part) =>
      Uint8Array.from(
        typeof part === "string" ? Array.from(part, (character) => character.charCodeAt(0)) : part,
      ),
    ),
  );

/** EXIF with one entry, in either byte order. */
const exif = (tag: number, isLittle: boolean) => {
  const short = (value: number) => (isLittle ? [value & 255, value >> 8] : [value >> 8, value & 255]);
  const first = isLittle ? [8, 0, 0, 0] : [0, 0, 0, 8];
  return [
    ...(isLittle ? [73, 73, 42, 0] : [77, 77, 0, 42]),
    ...first,
    ...short(1),
    ...short(tag),
    ...Array<number>(10).fill(0),
  ];
};
const JPEG = [0xff, 0xd8, 0xff, 0xe1, 0, 40];
const PNG = [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10];

describe("where a picture was taken", () => {
  it("is seen in EXIF of either byte order, and in XMP", async () => {
    for (const isLittle of [true, false]) {
      expect(await saysPlace(bytes(JPEG, "Exif\0\0", exif(0x8825, isLittle)))).toBe(true);
      expect(await saysPlace(bytes(PNG, "eXIf", exif(0x8825, isLittle)))).toBe(true);
      expect(await saysPlace(bytes(JPEG, "Exif\0\0", exif(0x0112, isLittle)))).toBe(false);
    }
    expect(await saysPlace(bytes(JPEG, '<rdf:Description exif:GPSLatitude="52,31N"/>'))).toBe(true);
  });

  it("is seen behind the pixels of a WebP", async () => {
    const pixels = Array<number>(400_000).fill(7);
    expect(await saysPlace(bytes("RIFF\0\0\0\0WEBP", pixels, "EXIF", exif(0x8825, false)))).toBe(true);
    expect(await saysPlace(bytes("RIFF\0\0\0\0WEBP", pixels))).toBe(false);
  });

  it("is not known of what is no picture, or is cut short", async () => {
    expect(await saysPlace(bytes("\0\0\0\x18ftypheic", exif(0x8825, true)))).toBe(null);
    expect(await saysPlace(bytes(""))).toBe(null);
    expect(await saysPlace(bytes(JPEG, "MM\0*\xff\xff\xff\xff"))).toBe(false);
  });

  it("is counted and named for many", async () => {
    const files = [
      { path: "a.jpg", file: bytes(JPEG, exif(0x8825, true)) as File },
      { path: "b.jpg", file: bytes(JPEG) as File },
      { path: "c.mp4", file: bytes("film") as File },
    ];
    const found = await lookAt(files, () => true);
    expect(found).toEqual({ pictures: 2, place: 1, unknown: 1, examples: ["a.jpg"] });
  });
});
