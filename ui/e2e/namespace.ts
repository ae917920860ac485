// A local network of its own, for nodes and browsers that find each other on it: a network namespace, of which nothing leads to this machine's own networks.
import { spawn, type ChildProcess } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";

/** Two ends of a cable make an interface that is up; packets that all may hear come back to whoever listens on it. */
const SET_UP = [
  "ip link set lo up",
  "ip link add home0 type veth peer name home1",
  "ip addr add 10.86.0.1/24 dev home0",
  "ip link set home0 up",
  "ip link set home1 up",
  "echo ready",
  "exec cat",
].join(" && ");

/** Root makes one as it is; others within a user namespace, where the system lets them. */
const WAYS = [
  { make: ["--net"], enter: ["--net"] },
  { make: ["--user", "--map-root-user", "--net"], enter: ["--user", "--net", "--preserve-credentials"] },
];

export class Namespace {
  private constructor(
    private readonly holder: ChildProcess,
    /** What runs a command in there. */
    readonly within: string[],
  ) {}

  /** One, or in words why there is none. */
  static async make(): Promise<Namespace | string> {
    const said: string[] = [];
    for (const { make, enter } of WAYS) {
      const holder = spawn("unshare", [...make, "sh", "-c", SET_UP], { stdio: ["pipe", "pipe", "pipe"] });
      let wrong = "";
      holder.stderr.on("data", (piece: Buffer) => (wrong += piece.toString()));
      const isReady = await new Promise<boolean>((resolve) => {
        createInterface({ input: holder.stdout }).once("line", () => resolve(true));
        holder.once("error", (error) => ((wrong += error.message), resolve(false)));
        holder.once("exit", () => resolve(false));
      });
      if (isReady) return new Namespace(holder, ["nsenter", ...enter, "--target", String(holder.pid), "--"]);
      said.push(wrong.trim());
    }
    return said.join("; ");
  }

  /** A program that runs this one in there; at a path, as those want it who start a browser. */
  async wrapper(at: string, program: string): Promise<string> {
    await writeFile(at, `#!/bin/sh\nexec ${this.within.join(" ")} ${program} "$@"\n`);
    await chmod(at, 0o755);
    return at;
  }

  /** It is gone when the last that runs in it is. */
  end(): void {
    this.holder.stdin?.end();
  }
}
