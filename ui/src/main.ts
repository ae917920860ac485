// Where the app begins.
import "@fontsource-variable/figtree/wght.css";
import "./styles/tokens.css";
import "./styles/base.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { live } from "./lib/state/live.svelte";
import { traffic } from "./lib/state/traffic.svelte";
import { theme } from "./lib/state/theme.svelte";

const target = document.getElementById("app");
if (target === null) throw new Error("index.html has a place for the app");
theme.apply();
live.start();
traffic.start();
mount(App, { target });
