// QR codes of the tests' own: as a picture, and as what a camera sees.
import type { Page } from "@playwright/test";
import encodeQR from "qr";
import type { Picture } from "./pictures";

/** The dark cells of a code, with the quiet zone that the standard asks for. */
function cells(text: string): boolean[][] {
  return encodeQR(text.toUpperCase(), "raw", { ecc: "low", border: 4 });
}

/** A picture of a code, as PNG. */
export async function codePicture(page: Page, text: string): Promise<Picture> {
  const base64 = await page.evaluate(async (cells) => {
    const side = 6;
    const canvas = new OffscreenCanvas(cells.length * side, cells.length * side);
    const context = canvas.getContext("2d");
    if (!context) throw new Error("no canvas");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = "#000";
    cells.forEach((row, y) =>
      row.forEach((isDark, x) => {
        if (isDark) context.fillRect(x * side, y * side, side, side);
      }),
    );
    const bytes = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  }, cells(text));
  return { name: "code.png", mimeType: "image/png", buffer: Buffer.from(base64, "base64") };
}

/** What a camera sees that is held in front of a code: YUV4MPEG2, which Chromium takes for one. */
export function codeFilm(text: string): Buffer {
  const [width, height] = [1280, 720];
  const code = cells(text);
  const side = Math.floor((height * 0.9) / code.length);
  const [left, top] = [(width - code.length * side) >> 1, (height - code.length * side) >> 1];
  const [dark, light, noColor] = [40, 225, 128];
  const picture = Buffer.alloc((width * height * 3) / 2, noColor);
  picture.fill(light - 60, 0, width * height);
  for (let y = 0; y < code.length * side; y += 1) {
    for (let x = 0; x < code.length * side; x += 1) {
      const isDark = code[Math.floor(y / side)]?.[Math.floor(x / side)];
      picture[(top + y) * width + left + x] = isDark ? dark : light;
    }
  }
  const frame = Buffer.concat([Buffer.from("FRAME\n"), picture]);
  const head = `YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`;
  return Buffer.concat([Buffer.from(head), frame, frame]);
}
