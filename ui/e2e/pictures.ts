// Pictures made by the browser itself, so that none has to be kept here.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Locator, Page } from "@playwright/test";

export interface Picture {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

/** A landscape in colours of its own, as JPEG. */
export async function makePicture(page: Page, name: string, seed: number): Promise<Picture> {
  const base64 = await page.evaluate(async (seed) => {
    const [width, height] = seed % 4 === 0 ? [600, 900] : [900, 600];
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d");
    if (!context) throw new Error("no canvas");
    const hue = (seed * 47) % 360;
    const sky = context.createLinearGradient(0, 0, 0, height);
    sky.addColorStop(0, `hsl(${hue} 60% 75%)`);
    sky.addColorStop(1, `hsl(${hue + 60} 55% 45%)`);
    context.fillStyle = sky;
    context.fillRect(0, 0, width, height);
    context.fillStyle = `hsl(${hue + 170} 80% 85%)`;
    context.beginPath();
    context.arc(width * (0.25 + ((seed * 13) % 50) / 100), height * 0.3, 60, 0, 7);
    context.fill();
    for (let hill = 0; hill < 3; hill += 1) {
      context.fillStyle = `hsl(${hue + 30} 40% ${34 - hill * 9}%)`;
      context.beginPath();
      context.moveTo(0, height);
      for (let x = 0; x <= width; x += 10) {
        const wave = Math.sin(x / (90 + hill * 40) + seed * (hill + 1)) * 34 + Math.sin(x / 37 + seed) * 9;
        context.lineTo(x, height * (0.6 + hill * 0.12) + wave);
      }
      context.lineTo(width, height);
      context.fill();
    }
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  }, seed);
  return { name, mimeType: "image/jpeg", buffer: Buffer.from(base64, "base64") };
}

/** The size of a camera's picture: 12 megapixels and about 3 MB, full of small things and noise. */
export async function makePhotograph(page: Page, seed: number): Promise<Buffer> {
  const base64 = await page.evaluate(async (seed) => {
    const [width, height, bytesMax] = [4000, 3000, 3_200_000];
    // Numerical Recipes' generator: the same picture each time.
    let state = seed;
    const random = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
    const contextOf = (canvas: OffscreenCanvas) => {
      const context = canvas.getContext("2d");
      if (!context) throw new Error("no canvas");
      return context;
    };
    const canvas = new OffscreenCanvas(width, height);
    const context = contextOf(canvas);
    // Random colours, drawn larger and larger: structure of every size.
    for (const apart of [800, 200, 50, 12, 3, 1]) {
      const [columns, rows] = [Math.ceil(width / apart), Math.ceil(height / apart)];
      const small = new OffscreenCanvas(columns, rows);
      const pixels = new ImageData(columns, rows);
      for (let at = 0; at < pixels.data.length; at += 1)
        pixels.data[at] = at % 4 === 3 ? 255 : random() * 256;
      contextOf(small).putImageData(pixels, 0, 0);
      context.globalAlpha = apart === 800 ? 1 : apart === 1 ? 0.06 : 0.2;
      context.drawImage(small, 0, 0, width, height);
    }
    let blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
    for (let quality = 0.92; blob.size > bytesMax && quality > 0.3; quality -= 0.04) {
      blob = await canvas.convertToBlob({ type: "image/jpeg", quality });
    }
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  }, seed);
  return Buffer.from(base64, "base64");
}

/**
 * A folder of files of which each shows one of `pictures`; their names. Where they are all different, each has a preview of its own: what
 * follows a JPEG is not looked at.
 */
export async function writeAlbum(
  folder: string,
  count: number,
  pictures: Buffer[],
  areDifferent: boolean,
): Promise<string[]> {
  await mkdir(folder);
  const names: string[] = [];
  for (let at = 0; at < count; at += 1) {
    const picture = pictures[at % pictures.length];
    if (!picture) throw new Error("no pictures");
    const name = `IMG_${at + 1}.jpg`;
    const file = areDifferent ? Buffer.concat([picture, Buffer.from(String(at))]) : picture;
    await writeFile(join(folder, name), file);
    names.push(name);
  }
  return names;
}

/** Drops files on something, as a file manager would. */
export async function drop(page: Page, on: Locator, pictures: Picture[]): Promise<void> {
  const files = pictures.map(({ name, mimeType, buffer }) => ({
    name,
    mimeType,
    text: buffer.toString("base64"),
  }));
  const data = await page.evaluateHandle((files) => {
    const data = new DataTransfer();
    for (const { name, mimeType, text } of files) {
      const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
      data.items.add(new File([bytes], name, { type: mimeType }));
    }
    return data;
  }, files);
  for (const type of ["dragenter", "dragover", "drop"]) await on.dispatchEvent(type, { dataTransfer: data });
}

/** Drops a text on something, as out of a chat. */
export async function dropText(page: Page, on: Locator, text: string): Promise<void> {
  const data = await page.evaluateHandle((text) => {
    const data = new DataTransfer();
    data.setData("text/plain", text);
    return data;
  }, text);
  await on.dispatchEvent("drop", { dataTransfer: data });
}

/** Drops what lies on the disk, folders too: as a file manager does, through the browser itself. */
export async function dropPaths(page: Page, on: Locator, paths: string[]): Promise<void> {
  const box = await on.boundingBox();
  if (!box) throw new Error("it cannot be seen, so nothing can be dropped on it");
  const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  const session = await page.context().newCDPSession(page);
  for (const type of ["dragEnter", "dragOver", "drop"] as const)
    await session.send("Input.dispatchDragEvent", { type, ...at, data });
  await session.detach();
}

/** 24 × 16 pixels of one green, as AVIF: browsers read it and make none. By `vips heifsave`. */
export const AVIF = Buffer.from(
  [
    "AAAAHGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZgAAASttZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5waXRtAA",
    "AAAAABAAAANGlsb2MAAAAAREAAAgABAAAAAAFPAAEAAAAAAAAAFwACAAAAAAFmAAEAAAAAAAAAvgAAADhpaW5mAAAAAAACAAAAFWluZmUCAAAA",
    "AAEAAGF2MDEAAAAAFWluZmUCAAABAAIAAEV4aWYAAAAAamlwcnAAAABLaXBjbwAAABNjb2xybmNseAACAAIABoAAAAAMYXYxQ4EADAAAAAAUaX",
    "NwZQAAAAAAAAAYAAAAEAAAABBwaXhpAAAAAAMICAgAAAAXaXBtYQAAAAAAAAABAAEEgYIDhAAAABppcmVmAAAAAAAAAA5jZHNjAAIAAQABAAAA",
    "3W1kYXQSAAoJGBDv7BAgIGhAMggbAAAAQAHUgAAAAAZFeGlmAABJSSoACAAAAAYAEgEDAAEAAAABAAAAGgEFAAEAAABWAAAAGwEFAAEAAABeAA",
    "AAKAEDAAEAAAACAAAAEwIDAAEAAAABAAAAaYcEAAEAAABmAAAAAAAAADhjAADoAwAAOGMAAOgDAAAGAACQBwAEAAAAMDIxMAGRBwAEAAAAAQID",
    "AACgBwAEAAAAMDEwMAGgAwABAAAA//8AAAKgBAABAAAAGAAAAAOgBAABAAAAEAAAAAAAAAA=",
  ].join(""),
  "base64",
);
