// Numbers as people read them, in the language of the browser.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** Bytes in the largest unit that leaves at least one of it; three digits are enough to compare. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toLocaleString(undefined, { maximumFractionDigits: digits })} ${UNITS[unit] ?? ""}`;
}

/** Bytes a second. */
export function rate(bytesPerSecond: number): string {
  return `${bytes(bytesPerSecond)}/s`;
}

/** A number of things, with the separators of the language. */
export function count(number: number): string {
  return number.toLocaleString();
}

/** Milliseconds of a round trip. */
export function roundTrip(ms: number): string {
  return ms > 0 && ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

/** A duration in its two largest units, such as `2 h 5 min`. */
export function duration(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 86400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [Math.floor(seconds) % 60, "s"],
  ] as const;
  const first = parts.findIndex(([value]) => value > 0);
  if (first < 0) return "0 s";
  return parts
    .slice(first, first + 2)
    .filter(([value], at) => value > 0 || at === 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(" ");
}

/** How much of a whole is there, 0 to 1; an empty whole is all there. */
export function fraction(part: number, whole: number | null | undefined): number {
  if (whole === null || whole === undefined) return 0;
  return whole === 0 ? 1 : Math.min(1, Math.max(0, part / whole));
}

/** A fraction in per cent. 100 is said of the whole alone. */
export function percent(part: number): string {
  return `${part >= 1 ? 100 : Math.min(99, Math.floor(part * 100))} %`;
}

/** When something was, in milliseconds since 1970, as seen from `now`. */
export function when(then: number, now: number): string {
  const words = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  const seconds = Math.round((then - now) / 1000);
  const size = Math.abs(seconds);
  if (size < 45) return words.format(0, "second");
  if (size < 3600) return words.format(Math.round(seconds / 60), "minute");
  if (size < 86400) return words.format(Math.round(seconds / 3600), "hour");
  if (size < 86400 * 14) return words.format(Math.round(seconds / 86400), "day");
  return new Date(then).toLocaleDateString(undefined, { dateStyle: "medium" });
}

/** The day of something, in milliseconds since 1970, as seen from `now`: `today` and `yesterday` by the calendar of the browser; with the hour as long as it says something. */
export function day(then: number, now: number): string {
  const start = (at: number) => new Date(at).setHours(0, 0, 0, 0);
  // Days of 23 and 25 hours are days, too.
  const days = Math.round((start(now) - start(then)) / 86_400_000);
  const [date, hour] = [new Date(then), { timeStyle: "short" } as const];
  if (days < 0 || days > 1) return date.toLocaleDateString(undefined, { dateStyle: "medium" });
  const word = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(-days, "day");
  return `${word}, ${date.toLocaleTimeString(undefined, hour)}`;
}

/** The first and the last letters of an id or hash: enough to tell two apart by eye, not to prove anything. */
export function short(id: string): string {
  return id.length <= 20 ? id : `${id.slice(0, 12)}…${id.slice(-6)}`;
}

/** A place on earth, to about ten metres. */
export function position({ latitude, longitude }: { latitude: number; longitude: number }): string {
  const angle = (degrees: number, sides: string) => {
    const digits = { minimumFractionDigits: 4, maximumFractionDigits: 4 };
    return `${Math.abs(degrees).toLocaleString(undefined, digits)}° ${sides[degrees < 0 ? 1 : 0] ?? ""}`;
  };
  return `${angle(latitude, "NS")} ${angle(longitude, "EW")}`;
}
