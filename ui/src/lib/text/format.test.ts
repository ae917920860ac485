import { describe, expect, it } from "vitest";
import { bytes, day, duration, fraction, percent, position, roundTrip, short, when } from "./format";

describe("numbers for people", () => {
  it("tells a place by its side of the equator and of Greenwich", () => {
    expect(position({ latitude: 52.52, longitude: 13.405 })).toMatch(/^52.5200° N 13.4050° E$/);
    expect(position({ latitude: -22.91, longitude: -43.2 })).toMatch(/^22.9100° S 43.2000° W$/);
  });

  it("tells bytes in the unit that fits", () => {
    expect(bytes(0)).toBe("0 B");
    expect(bytes(1023)).toMatch(/^1.?023 B$/);
    expect(bytes(1024)).toBe("1 KiB");
    expect(bytes(3 * 1024 * 1024 + 300 * 1024)).toMatch(/^3.3 MiB$/);
    expect(bytes(2 ** 60)).toMatch(/PiB$/);
  });

  it("tells a duration in two units", () => {
    expect(duration(0.4)).toBe("0 s");
    expect(duration(59)).toBe("59 s");
    expect(duration(3600)).toBe("1 h");
    expect(duration(7500)).toBe("2 h 5 min");
    expect(duration(90061)).toBe("1 d 1 h");
  });

  it("says 100 % of the whole alone", () => {
    expect(percent(fraction(999_999, 1_000_000))).toBe("99 %");
    expect(percent(fraction(1_000_000, 1_000_000))).toBe("100 %");
    expect(fraction(0, 0)).toBe(1);
    expect(fraction(5, null)).toBe(0);
    expect(fraction(7, 5)).toBe(1);
  });

  it("tells round trips with the digits that mean something", () => {
    expect(roundTrip(0)).toBe("0 ms");
    expect(roundTrip(0.465)).toBe("0.5 ms");
    expect(roundTrip(123.4)).toBe("123 ms");
  });

  it("tells when something was", () => {
    const now = Date.UTC(2026, 10, 21, 12);
    expect(when(now - 5_000, now)).toBe("now");
    expect(when(now - 120_000, now)).toMatch(/2/);
    expect(when(now - 400 * 86_400_000, now)).toMatch(/2025/);
  });

  it("tells the day of something by the calendar, and not by hours", () => {
    const now = new Date(2026, 10, 22, 0, 30).getTime();
    expect(day(now - 60_000 * 20, now)).toMatch(/^today, /);
    expect(day(now - 60_000 * 40, now)).toMatch(/^yesterday, /);
    expect(day(new Date(2026, 10, 21, 0, 1).getTime(), now)).toMatch(/^yesterday, /);
    expect(day(new Date(2026, 10, 20, 23, 59).getTime(), now)).toMatch(/2026/);
    // A clock that was set back.
    expect(day(now + 86_400_000, now)).toMatch(/2026/);
  });

  it("shortens an id at its middle", () => {
    expect(short("peer149tww0j55lv2ll5rg2aj88g9vcdkgkeg9s6l2yy0uueemh6m2j3sm69dj8")).toBe(
      "peer149tww0j…m69dj8",
    );
  });
});
