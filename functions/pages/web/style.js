// Styles of what comes on demand.
import { element } from "./dom.js";

/** Adds a style to the page, unless it has it. Resolves when it holds, or can't be had. */
export function withStyle(href) {
  if ([...document.styleSheets].some((sheet) => sheet.href === href)) return undefined;
  return new Promise((resolve) => { document.head.append(element("link", { rel: "stylesheet", href, on: { load: resolve, error: resolve } })); });
}
