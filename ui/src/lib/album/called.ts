// What an album may be called. Its name is also that of a folder, here and wherever it is fetched, on every system (crates/core/src/data/path.rs).

import { t } from "../text/strings";

/** What file systems can store. */
const BYTES_MAX = 255;
/** Devices of Windows. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *([.:]|$)/i;

/** Why an album cannot be called that, in words; nothing where it can, or where there is no name yet. */
export function wrongName(typed: string): string | null {
  const name = typed.trim();
  if (/[/\\]/.test(name)) return t.newAlbum.nameSlash;
  if (name.endsWith(".")) return t.newAlbum.nameDot;
  if (/^[a-z]:/i.test(name)) return t.newAlbum.nameDrive;
  if (DEVICE.test(name)) return t.newAlbum.nameDevice;
  return new TextEncoder().encode(name).length > BYTES_MAX ? t.newAlbum.nameLong : null;
}
