import { describe, expect, it } from "vitest";
import { lookAt, placeOf } from "./places";

const saysPlace = async (file: Blob) => (await placeOf(file))?.isSaid ?? null;

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
/** EXIF of a place, in degrees, minutes and seconds. */
const placed = (isLittle: boolean, north: string, latitude: number[], east: string, longitude: number[]) => {
  const number = (value: number, length: number) => {
    const big = Array.from({ length }, (_, at) => (value >>> (8 * (length - 1 - at))) & 255);
    return isLittle ? big.toReversed() : big;
  };
  const entry = (tag: number, type: number, count: number, value: number[]) => [
    ...[tag, type].flatMap((it) => number(it, 2)),
    ...number(count, 4),
    ...value,
  ];
  const side = (letter: string) => [letter.charCodeAt(0), 0, 0, 0];
  const angle = (parts: number[]) => parts.flatMap((part) => [...number(part, 4), ...number(1, 4)]);
  return [
    ...(isLittle ? [73, 73, 42, 0] : [77, 77, 0, 42]),
    ...number(8, 4),
    // The first directory is 18 bytes long, that of the place behind it 54, and the angles come then.
    ...[...number(1, 2), ...entry(0x8825, 4, 1, number(26, 4)), ...number(0, 4)],
    ...number(4, 2),
    ...[...entry(1, 2, 2, side(north)), ...entry(2, 5, 3, number(80, 4))],
    ...[...entry(3, 2, 2, side(east)), ...entry(4, 5, 3, number(104, 4))],
    ...number(0, 4),
    ...[...angle(latitude), ...angle(longitude)],
  ];
};
const JPEG = [0xff, 0xd8, 0xff, 0xe1, 0, 40];
const PNG = [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10];

/** A chunk of a PNG: it is as long as a box, but for its length, which is of its content only, and its checksum. */
const chunk = (kind: string, ...parts: (string | number[])[]): number[] => {
  const content = box(kind, ...parts).slice(8);
  return [...long(content.length), ...box(kind, content).slice(4), 0, 0, 0, 0];
};
const png = (...chunks: number[][]) => bytes(PNG, ...chunks, chunk("IEND"));
/** A chunk of a WebP. */
const riff = (kind: string, content: number[]): number[] => {
  const all = [...box(kind).slice(4), ...long(content.length).toReversed(), ...content];
  return content.length % 2 === 0 ? all : [...all, 0];
};
const webp = (...chunks: number[][]) =>
  bytes("RIFF", long(4 + chunks.flat().length).toReversed(), "WEBP", ...chunks);

const long = (value: number) => [24, 16, 8, 0].map((shift) => (value >> shift) & 255);

/** A box, with its length before it. */
const box = (kind: string, ...parts: (string | number[])[]): number[] => {
  const content = parts.flatMap((part) =>
    typeof part === "string" ? Array.from(part, (character) => character.charCodeAt(0)) : part,
  );
  const length = content.length + 8;
  return [...long(length), ...[...kind].map((it) => it.charCodeAt(0) & 255), ...content];
};
const FTYP = box("ftyp", "qt  \0\0\0\0");
/** A picture of boxes whose EXIF lies behind its pixels. */
const heic = (content: number[], method = 0, id = 9) => {
  const pixels = Array<number>(400_000).fill(7);
  const meta = (start: number) =>
    box(
      "meta",
      [0, 0, 0, 0],
      box("iinf", [0, 0, 0, 0, 0, 1], box("infe", [2, 0, 0, 1, 1, id, 0, 0], "Exif\0")),
      box(
        "iloc",
        [1, 0, 0, 0, 0x44, 0, 0, 1, 1, id, 0, method, 0, 0, 0, 1],
        long(start),
        long(content.length),
      ),
    );
  const start = FTYP.length + meta(0).length + 8 + pixels.length;
  return bytes(FTYP, meta(start), box("mdat", pixels, content));
};

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

  it("is seen in the chunks of a WebP, wherever they lie", async () => {
    const pixels = Array<number>(400_000).fill(7);
    const text = Array<number>(70_000).fill(32);
    const place = placed(false, "N", [52, 31, 12], "E", [13, 24, 18]);
    const [vp8, exif, xmp] = [riff("VP8 ", pixels), riff("EXIF", place), riff("XMP ", text)];
    expect((await placeOf(webp(vp8, exif, xmp)))?.at?.latitude).toBeCloseTo(52.52, 4);
    expect(await saysPlace(webp(vp8, riff("odd ", [1]), exif, xmp))).toBe(true);
    expect(await saysPlace(webp(vp8, xmp))).toBe(false);
  });

  it("is seen in the chunks of a PNG, wherever they lie", async () => {
    const pixels = Array<number>(400_000).fill(7);
    const text = Array<number>(70_000).fill(32);
    const place = placed(false, "N", [52, 31, 12], "E", [13, 24, 18]);
    const [idat, exif_, text_] = [chunk("IDAT", pixels), chunk("eXIf", place), chunk("tEXt", text)];
    expect((await placeOf(png(idat, exif_, text_)))?.at?.longitude).toBeCloseTo(13.405, 4);
    // Also behind many short ones, and behind the first megabyte of one.
    const many = Array.from({ length: 60 }, () => chunk("IDAT", pixels.slice(0, 8192))).flat();
    expect(await saysPlace(png(many, exif_, text_))).toBe(true);
    const far = chunk(
      "iTXt",
      "XML:com.adobe.xmp\0\0\0\0\0",
      Array<number>(1_100_000).fill(32),
      "GPSLatitude",
    );
    expect(await saysPlace(png(idat, far, text_))).toBe(true);
    expect(await saysPlace(png(many, text_))).toBe(false);
    // What follows its end is none.
    expect(await saysPlace(bytes(PNG, idat, chunk("IEND"), "more"))).toBe(false);
  });

  it("is taken to be told by the packed texts of a PNG, and not known of chunks that lie", async () => {
    for (const packed of [
      chunk("zTXt", "Raw profile type exif\0\0x"),
      chunk("tEXt", "Raw profile type APP1\0\nexif\n"),
      chunk("zTXt", "XML:com.adobe.xmp\0\0x"),
      chunk("iTXt", "XML:com.adobe.xmp\0\x01\0\0\0x"),
    ]) {
      expect(await saysPlace(png(packed))).toBe(true);
    }
    expect(await saysPlace(png(chunk("zTXt", "Comment\0\0x")))).toBe(false);
    expect(await saysPlace(png(chunk("iTXt", "XML:com.adobe.xmp\0\0\0\0\0x")))).toBe(false);
    expect(await saysPlace(bytes(PNG, chunk("IDAT", "x").slice(0, -1)))).toBe(null);
    expect(await saysPlace(bytes(PNG, [255, 255, 255, 255], "IDAT"))).toBe(null);
    expect(await saysPlace(bytes("RIFF\x20\0\0\0WEBP", riff("VP8 ", [1, 2])))).toBe(null);
    expect(await saysPlace(png(Array.from({ length: 20_000 }, () => chunk("IDAT")).flat()))).toBe(null);
  });

  it("is read from the item of a HEIC, wherever that lies", async () => {
    const exif = placed(true, "N", [52, 31, 12], "E", [13, 24, 18]);
    expect((await placeOf(heic([0, 0, 0, 0, ...exif])))?.at?.latitude).toBeCloseTo(52.52, 4);
    expect(await saysPlace(heic([0, 0, 0, 0, ...exif], 0, 0x80))).toBe(true);
    // What lies elsewhere is not looked for in the file.
    expect(await saysPlace(heic([0, 0, 0, 0, ...exif], 1))).toBe(false);
    expect(await saysPlace(heic([0, 0, 0, 0]))).toBe(false);
  });

  it("is read from the tables of a film, and nothing else of it is", async () => {
    const film = (...moov: number[][]) => {
      const mdat = box("mdat", Array<number>(400_000).fill(7), "GPSLatitude \xa9xyz+52.5200+013.4050/");
      const whole = bytes(FTYP, mdat, box("moov", ...moov));
      let read = 0;
      const slice = (start?: number, end?: number) => {
        const part = whole.slice(start, end);
        if (start) read += part.size;
        return part;
      };
      return { file: { size: whole.size, slice } as Blob, read: () => read };
    };
    for (const box_ of [
      box("udta", box("\xa9xyz", "\0\x12\x15\xc7-22.9100-043.2000/")),
      [
        ...box("keys", "mdtacom.apple.quicktime.location.ISO6709"),
        ...box("ilst", "-22.9100-043.2000+012.000/"),
      ],
    ]) {
      const { file, read } = film(box_);
      expect(await placeOf(file)).toEqual({ isSaid: true, at: { latitude: -22.91, longitude: -43.2 } });
      expect(read()).toBeLessThan(300);
    }
    expect(await placeOf(film(box("udta", box("loci", [0, 0]))).file)).toEqual({ isSaid: true, at: null });
    expect(await saysPlace(film(box("udta", "nothing")).file)).toBe(false);
    const track = (handler: string) => box("trak", box("hdlr", Array<number>(8).fill(0), handler));
    expect(await saysPlace(film(track("vide"), track("soun")).file)).toBe(false);
    for (const name of ["rtmd", "camm", "djmd", "gps "]) {
      expect(await saysPlace(film(track("meta"), box(name, "")).file)).toBe(true);
    }
    // Of other tracks, and of what comes in pieces, it is not known.
    expect(await saysPlace(film(track("meta")).file)).toBe(null);
    expect(await saysPlace(film(box("mvex", "")).file)).toBe(null);
    expect(await saysPlace(bytes(FTYP, box("moov", box("udta", "nothing")), box("moof", "")))).toBe(null);
  });

  it("is not known of boxes that lie", async () => {
    expect(await saysPlace(bytes(FTYP))).toBe(null);
    expect(await saysPlace(bytes(FTYP, box("moov", "x"), [0, 0]))).toBe(null);
    expect(await saysPlace(bytes(FTYP, [0, 0, 0, 7], "moov"))).toBe(null);
    expect(await saysPlace(bytes(FTYP, [255, 0, 0, 0], "moov"))).toBe(null);
    expect(await saysPlace(bytes(FTYP, [0, 0, 0, 1], "moov", Array<number>(8).fill(255)))).toBe(null);
    expect(await saysPlace(bytes(FTYP, [0, 0, 0, 0], "moov"))).toBe(false);
    const cut = box(
      "meta",
      box("infe", [2, 0, 0, 0, 0, 9, 0, 0], "Exif\0"),
      "iloc\x01\0\0\0\x44\0\xff\xff\0\x09",
    );
    expect(await saysPlace(bytes(FTYP, cut))).toBe(false);
  });

  it("is not known of what is no picture, or is cut short", async () => {
    expect(await saysPlace(bytes("\0\0\0\x18ftypheic", exif(0x8825, true)))).toBe(null);
    expect(await saysPlace(bytes(""))).toBe(null);
    expect(await saysPlace(bytes(JPEG, "MM\0*\xff\xff\xff\xff"))).toBe(false);
  });

  it("is read where it is told, on either side of the equator and of Greenwich", async () => {
    for (const isLittle of [true, false]) {
      const at = async (...place: Parameters<typeof placed>) =>
        (await placeOf(bytes(JPEG, "Exif\0\0", placed(...place))))?.at;
      const berlin = await at(isLittle, "N", [52, 31, 12], "E", [13, 24, 18]);
      expect(berlin?.latitude).toBeCloseTo(52.52, 4);
      expect(berlin?.longitude).toBeCloseTo(13.405, 4);
      const rio = await at(isLittle, "S", [22, 54, 36], "W", [43, 12, 0]);
      expect(rio?.latitude).toBeCloseTo(-22.91, 4);
      expect(rio?.longitude).toBeCloseTo(-43.2, 4);
      // What is no place on earth is told as none.
      expect(await at(isLittle, "N", [91, 0, 0], "E", [0, 0, 0])).toBeNull();
    }
    const cut = bytes(JPEG, "Exif\0\0", placed(true, "N", [52, 31, 12], "E", [13, 24, 18]).slice(0, -20));
    expect(await placeOf(cut)).toEqual({ isSaid: true, at: null });
  });

  it("is read as XMP has it", async () => {
    const at = async (xmp: string) => (await placeOf(bytes(JPEG, `<rdf:Description ${xmp}/>`)))?.at;
    for (const berlin of [
      'exif:GPSLatitude="52,31.2N" exif:GPSLongitude="13,24.3E"',
      "exif:GPSLongitude='13,24,18E' exif:GPSLatitude = '52,31,12N'",
      "><exif:GPSLatitudeRef>North</a><exif:GPSLatitude>52,31,12N</a><exif:GPSLongitude>13,24.3E</a",
      'drone-dji:GpsLatitude="+52.52" drone-dji:GpsLongitude="13.405"',
    ]) {
      expect((await at(berlin))?.latitude, berlin).toBeCloseTo(52.52, 4);
      expect((await at(berlin))?.longitude, berlin).toBeCloseTo(13.405, 4);
    }
    const rio = { latitude: -22.91, longitude: -43.2 };
    expect(await at('exif:GPSLatitude="22,54.6S" exif:GPSLongitude="43,12,0W"')).toEqual(rio);
    expect(await at('GpsLatitude="-22.91" GpsLongitude="-43.2"')).toEqual(rio);
    // Half of it, or what is no place on earth, is told as none.
    for (const none of ['GPSLatitude="52,31.2N"', 'GPSLatitude="91,0N" GPSLongitude="13,0E"']) {
      expect(await at(none), none).toBeNull();
    }
  });

  it("is counted and named for many", async () => {
    const files = [
      { path: "a.jpg", file: bytes(JPEG, exif(0x8825, true)) as File },
      { path: "b.jpg", file: bytes(JPEG) as File },
      { path: "c.mp4", file: bytes("film") as File },
    ];
    const found = await lookAt(files, () => true);
    expect(found).toEqual({ pictures: 2, place: 1, unknown: 1, examples: [{ ...files[0], at: null }] });
  });
});
