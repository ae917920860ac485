// People with real nodes on loopback, and their browsers. Everything lies in one folder, which is removed afterwards.
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, type Browser, type BrowserContextOptions, type Page } from "@playwright/test";

const BIN = process.env.KITH_BIN ?? fileURLToPath(new URL("../../target/debug/kith", import.meta.url));
// The app that is tested in place of the one in the program: a fresh `npm run build`, under the program's own headers.
const DIST = process.env.KITH_UI_DIST;
/** A debug build on a busy machine. */
const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 15_000;

interface Ready {
  url?: string;
  where?: string;
  peer_id?: string;
}

/** A process that goes on until it is stopped. */
class Running {
  constructor(
    readonly child: ChildProcess,
    readonly ready: Ready,
  ) {}

  /** Where not on this machine as it is, `within` is what runs a command elsewhere. */
  static async start(args: string[], within: string[] = []): Promise<Running> {
    const [program = BIN, ...all] = [...within, BIN, ...args];
    const child = spawn(program, all, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stderr.on("data", (piece: Buffer) => (said = (said + piece.toString()).slice(-4000)));
    const lines = createInterface({ input: child.stdout });
    const ready = await new Promise<Ready>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`${args.join(" ")} was not ready: ${said}`)),
        READY_WITHIN_MS,
      );
      lines.on("line", (line) => {
        const event = JSON.parse(line) as Ready & { event?: string };
        if (event.event !== "ready") return;
        clearTimeout(late);
        resolve(event);
      });
      child.on("exit", () => reject(new Error(`${args.join(" ")} ended: ${said}`)));
    });
    return new Running(child, ready);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGTERM");
    const late = setTimeout(() => this.child.kill("SIGKILL"), STOP_WITHIN_MS);
    await gone;
    clearTimeout(late);
  }
}

/** Somebody with a node. */
export class Person {
  #running: Running | null = null;
  /** Kept over restarts, so that the browser's cookie stays good. */
  #port = 0;

  constructor(
    readonly name: string,
    readonly folder: string,
    /** How others are to be found. */
    private readonly args: string[],
    private readonly within: string[] = [],
  ) {}

  get data(): string {
    return join(this.folder, "data");
  }

  /** The node's process, while it runs. */
  get process(): number {
    const process = this.#running?.child.pid;
    if (process === undefined) throw new Error(`${this.name} has no node that runs`);
    return process;
  }

  async up(): Promise<void> {
    const args = ["--data", this.data, "--json", "up", "--api", `127.0.0.1:${this.#port}`, ...this.args];
    this.#running = await Running.start(args, this.within);
    this.#port = Number(new URL(this.url).port);
  }

  async down(): Promise<void> {
    await this.#running?.stop();
    this.#running = null;
  }

  /** The node is there and does nothing, until it is to go on. */
  freeze(isFrozen: boolean): void {
    this.#running?.child.kill(isFrozen ? "SIGSTOP" : "SIGCONT");
  }

  /** Where their app is. */
  private get url(): string {
    const url = this.#running?.ready.url;
    if (!url) throw new Error("this kith has no web app: build it with Node, or set KITH_BIN");
    return url;
  }

  /** A call of the API on the Unix socket. */
  async api<T>(method: string, path: string, body?: unknown): Promise<T> {
    const options = {
      socketPath: join(this.data, "kith.sock"),
      method,
      path: `/api/v1${path}`,
      headers: { host: "localhost", "content-type": "application/json" },
    };
    return new Promise((resolve, reject) => {
      const call = request(options, (response) => {
        let text = "";
        response.on("data", (piece: Buffer) => (text += piece.toString()));
        response.on("end", () => resolve(JSON.parse(text) as T));
      });
      call.on("error", reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** The status of an answer of which nothing else is wanted. */
  async status(path: string): Promise<number> {
    const at = { socketPath: join(this.data, "kith.sock"), path: `/api/v1${path}` };
    return new Promise((resolve, reject) => {
      const call = request({ ...at, headers: { host: "localhost" } }, (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode ?? 0));
      });
      call.on("error", reject);
      call.end();
    });
  }

  async peerId(): Promise<string> {
    return (await this.api<{ peer_id: string }>("GET", "/node")).peer_id;
  }

  /** Shares a folder with everybody, and has small previews of the pictures in it made; its id. */
  async sharePictures(folder: string, names: string[], name: string | null = null): Promise<string> {
    const asked = { paths: [folder], audience: "contacts", with: [], name };
    const { share_id: share } = await this.api<{ share_id: string }>("POST", "/shares", asked);
    const peer = await this.peerId();
    const left = names.values();
    // As many at once as keep a node busy.
    const makers = Array.from({ length: 8 }, async () => {
      for (const name of left) {
        const status = await this.status(`/previews/${peer}/${share}/${name}?size=320`);
        if (status !== 200) throw new Error(`${name} has no preview: ${status}`);
      }
    });
    await Promise.all(makers);
    return share;
  }

  /** An address that lets one browser in. */
  async entrance(): Promise<string> {
    return (await this.api<{ url: string }>("POST", "/web/codes")).url;
  }

  /** Opens their app in a browser of their own. Anything that a page complains of fails the test. */
  async browser(browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await this.stranger(browser, options);
    const url = await this.entrance();
    if (DIST) await serveApp(page.context(), DIST, new URL(url).origin);
    await page.goto(url);
    // What a redirect leads to is not intercepted.
    if (DIST) await page.goto(new URL("/", url).href);
    await expect(page.locator("#app")).not.toBeEmpty();
    return page;
  }

  /** A browser that has not been let in, and has nothing in its cache. */
  async stranger(browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({
      permissions: ["clipboard-read", "clipboard-write"],
      ...options,
    });
    const page = await context.newPage();
    page.on("pageerror", (error) => {
      throw error;
    });
    page.on("console", (message) => {
      if (message.text().includes("Content Security Policy")) throw new Error(message.text());
    });
    return page;
  }
}

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** How the program answers for its page; by hand, since Node knows no names below `localhost`. */
async function headOf(url: URL, headers: Record<string, string>) {
  const sent = { ...headers, host: url.host, "accept-encoding": "identity" };
  return new Promise<{ status: number; headers: Record<string, string> }>((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port: url.port, path: "/", headers: sent }, (response) => {
      response.resume();
      // What is put in its place is of another length, and not packed.
      const ofBody = ["content-encoding", "content-length", "etag"];
      const told = Object.entries(response.headers)
        .filter(([name]) => !ofBody.includes(name))
        .map(([name, value]) => [name, String(value)]);
      resolve({
        status: response.statusCode ?? 0,
        headers: Object.fromEntries(told) as Record<string, string>,
      });
    });
    call.on("error", reject);
    call.end();
  });
}

/** Puts the files of `dist` in the place of the program's own, with the headers that the program sends with its page. */
async function serveApp(
  context: Awaited<ReturnType<Browser["newContext"]>>,
  dist: string,
  origin: string,
): Promise<void> {
  await context.route(
    (url) => url.origin === origin && (url.pathname === "/" || existsSync(join(dist, url.pathname))),
    async (route) => {
      const url = new URL(route.request().url());
      if (url.searchParams.has("code") || url.pathname.startsWith("/api/")) return route.continue();
      const file = url.pathname === "/" ? "/index.html" : url.pathname;
      const told = await headOf(url, await route.request().allHeaders()).catch(() => null);
      if (told === null) return route.abort("connectionrefused");
      if (told.status !== 200) return route.continue();
      const headers: Record<string, string> = { ...told.headers, "content-type": TYPES[extname(file)] ?? "" };
      return route.fulfill({ status: 200, headers, body: await readFile(join(dist, file)) });
    },
  );
}

/** An introducer and some people, who do not know each other yet. */
export class World {
  private constructor(
    readonly folder: string,
    private readonly introducer: Running | null,
    readonly people: Person[],
  ) {}

  /** One of them, by their name. */
  person(name: string): Person {
    const person = this.people.find((it) => it.name === name);
    if (!person) throw new Error(`there is no ${name}`);
    return person;
  }

  /**
   * `within` tells what runs the node of somebody who has this folder, where not this machine as it is; `bind` at which address of it somebody is. Who is
   * at one of IPv4 and who is at one of IPv6 have no path to each other but by the introducer.
   */
  static async start(
    names: string[],
    within: (name: string, folder: string) => string[] = () => [],
    bind: (name: string) => string = () => "127.0.0.1",
  ): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), "kith-e2e-"));
    const at = ["--listen", "127.0.0.1:0", "--address", "127.0.0.1"];
    const introducer = await Running.start([
      "--data",
      join(folder, "introducer"),
      "--json",
      "introducer",
      ...at,
    ]);
    const where = ["--no-lan", "--introducer", introducer.ready.where ?? ""];
    return World.settle(folder, introducer, names, (name) => {
      const own = join(folder, name);
      return new Person(name, own, [...where, "--bind", `${bind(name)}:0`], within(name, own));
    });
  }

  /** On a local network and with no introducer: who looks for somebody finds them there, or not at all. */
  static async onLan(names: string[], within: string[]): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), "kith-e2e-"));
    return World.settle(folder, null, names, (name) => new Person(name, join(folder, name), [], within));
  }

  private static async settle(
    folder: string,
    introducer: Running | null,
    names: string[],
    make: (name: string) => Person,
  ): Promise<World> {
    const people: Person[] = [];
    for (const name of names) {
      const person = make(name);
      await mkdir(person.data, { recursive: true });
      const lan = introducer === null;
      await writeFile(join(person.data, "config.toml"), `name = "${name}"\nlan = ${lan}\n`);
      await person.up();
      people.push(person);
    }
    return new World(folder, introducer, people);
  }

  /** They have each other in their address books, and are connected. */
  static async befriended(names: [string, string]): Promise<World> {
    const world = await World.start(names);
    await world.befriend(...names);
    return world;
  }

  /** One invites the other, and they are connected. */
  async befriend(...names: [string, string]): Promise<void> {
    const [one, other] = names.map((name) => this.person(name)) as [Person, Person];
    const asked = { reusable: false, seconds: 3600, addresses: true };
    const { invite } = await one.api<{ invite: string }>("POST", "/invites", asked);
    await other.api("POST", "/contacts", { invite, name: one.name });
    const peer = await other.peerId();
    const contacts = () => one.api<{ peer_id: string; online: boolean }[]>("GET", "/contacts");
    await expect
      .poll(async () => (await contacts()).some((it) => it.peer_id === peer && it.online), {
        timeout: 30_000,
      })
      .toBe(true);
  }

  async end(): Promise<void> {
    for (const person of this.people) await person.down();
    await this.introducer?.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
