// The house rules of the app: what TypeScript and Svelte advise, and what a hostile peer makes necessary.
import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";
import svelteConfig from "./svelte.config.js";

export default ts.config(
  { ignores: ["dist/", "node_modules/", "src/lib/api/schema.d.ts", "e2e/.results/"] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser } },
    rules: {
      "no-console": "error",
      "no-eval": "error",
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "Names and files come from peers: text only." },
        { property: "outerHTML", message: "Names and files come from peers: text only." },
        { property: "insertAdjacentHTML", message: "Names and files come from peers: text only." },
      ],
      "svelte/no-at-html-tags": "error",
      // An attribute would be refused by the Content-Security-Policy; `style:` goes by way of the CSSOM.
      "no-restricted-syntax": [
        "error",
        {
          selector: "SvelteAttribute[key.name='style']",
          message: "Refused by the Content-Security-Policy: use style:",
        },
      ],
      "svelte/no-navigation-without-resolve": "off",
    },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
  },
  {
    files: ["*.config.*", "scripts/**", "e2e/**"],
    languageOptions: { globals: { ...globals.node } },
    rules: { "no-console": "off" },
  },
);
