// Reading a QR code out of a picture: by the browser where it can, else by a library that is loaded only then.

interface Detector {
  detect(source: CanvasImageSource): Promise<{ rawValue: string }[]>;
}
type DetectorClass = new (options: { formats: string[] }) => Detector;

/** Larger pictures are made smaller first: a code that fills a tenth of the side is still read. */
const SIDE_MAX = 1600;
/** A photo of a phone has less. */
const FILE_BYTES_MAX = 40 * 1024 * 1024;

export class NoPicture extends Error {}

let browsers: Detector | null | undefined;

async function detector(): Promise<Detector | null> {
  if (browsers !== undefined) return browsers;
  const offered = (
    globalThis as { BarcodeDetector?: DetectorClass & { getSupportedFormats?(): Promise<string[]> } }
  ).BarcodeDetector;
  const formats = (await offered?.getSupportedFormats?.().catch(() => [])) ?? [];
  browsers = offered && formats.includes("qr_code") ? new offered({ formats: ["qr_code"] }) : null;
  return browsers;
}

/** The text of a code in a picture file, or nothing. */
export async function scanFile(file: Blob): Promise<string | null> {
  if (file.size > FILE_BYTES_MAX) throw new NoPicture();
  const picture = await createImageBitmap(file).catch(() => {
    throw new NoPicture();
  });
  try {
    return await scanPicture(picture, picture.width, picture.height);
  } finally {
    picture.close();
  }
}

/** The text of a code in what a camera sees now, or nothing. */
export function scanFrame(video: HTMLVideoElement): Promise<string | null> {
  return scanPicture(video, video.videoWidth, video.videoHeight);
}

async function scanPicture(
  picture: CanvasImageSource,
  width: number,
  height: number,
): Promise<string | null> {
  if (width === 0 || height === 0) return null;
  const scale = Math.min(1, SIDE_MAX / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return null;
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const own = await detector();
  const found = (await own?.detect(canvas).catch(() => [])) ?? [];
  if (found[0]) return found[0].rawValue;
  if (own) return null;
  const { decodeQR } = await import("qr/decode.js");
  try {
    return decodeQR(context.getImageData(0, 0, canvas.width, canvas.height));
  } catch {
    return null;
  }
}
