// Small disks of one node's own, which fill up: file systems that only its process sees, so that nothing else on this machine is full.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Mounts a disk of so many MiB at a place, and goes on with the rest. */
const SCRIPT = 'mkdir -p "$2" && mount -t tmpfs -o size="$1"m tmpfs "$2" || exit 1; shift 2; exec "$@"';

/** Root of the namespace is whoever began it, root or not. */
const UNSHARE = ["unshare", "--map-root-user", "--mount"];

/** What runs a command where there is such a disk at each of the places. */
export function smallDisks(mib: number, places: string[]): string[] {
  const mounts = places.flatMap((place) => ["sh", "-c", SCRIPT, "sh", String(mib), place]);
  return [...UNSHARE, ...mounts];
}

/** Why there are none here, in words; `null` where there are. */
export async function whyNoDisks(place: string): Promise<string | null> {
  const [program = "", ...args] = [...smallDisks(1, [place]), "true"];
  return run(program, args).then(
    () => null,
    (error: Error) => error.message,
  );
}

/** Runs a command where that process sees its disks. */
async function beside(process: number, command: string[]): Promise<Buffer> {
  const entered = ["--user", "--preserve-credentials", "--mount", "--target", String(process), "--"];
  const options = { encoding: "buffer", maxBuffer: 1 << 30 } as const;
  return (await run("nsenter", [...entered, ...command], options)).stdout;
}

/** Gives a disk of that process another size. */
export async function resize(process: number, place: string, mib: number): Promise<void> {
  await beside(process, ["mount", "-o", `remount,size=${mib}m`, place]);
}

/** A file as that process sees it. */
export async function contents(process: number, path: string): Promise<Buffer> {
  return beside(process, ["cat", path]);
}
