// How the app is built, and how it is developed against a running node: `KITH_SOCKET=DIR/… npm run dev`.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { ProxyOptions } from "vite";
import { defineConfig } from "vitest/config";

const socket = process.env.KITH_SOCKET;

// The Unix socket of a node's data directory; its door for programs, which asks for no cookie.
const proxy: Record<string, ProxyOptions> = socket
  ? { "/api": { target: { socketPath: socket, host: "localhost", port: 80 }, changeOrigin: false } }
  : {};

export default defineConfig({
  plugins: [svelte()],
  // Hash routes and relative paths: the app works below any path of any host name.
  base: "./",
  build: {
    target: "es2023",
    // The Content-Security-Policy knows no `data:` for scripts, styles and fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy },
  preview: { proxy },
  test: { include: ["src/**/*.test.ts"] },
});
