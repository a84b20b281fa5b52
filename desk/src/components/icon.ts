/**
 * The icon of a state as a ground of its box, in its tone's colour.
 *
 * A drawing in the document (`<svg>`) is a part of its own that the browser puts together anew in every frame of a scrolled
 * table, and each `<img>` asks for its picture; a ground is painted with the row that it stands in.
 */
import { type Component, h, render } from 'vue'

import type { Tone } from './states'

const known = new Set<string>()
let sheet: CSSStyleSheet | null = null

/** The icon's drawing as text. */
function drawing(icon: Component): string {
  const place = document.createElement('div')
  render(h(icon), place)
  const found = place.innerHTML
  render(null, place)
  return found
}

/** The class of a box that shows this icon; its rule is made when it is first asked for. */
export function iconClass(icon: Component, name: string, tone: Tone): string {
  const made = `icon-${name}-${tone}`
  if (!known.has(made)) {
    known.add(made)
    if (!sheet) {
      // Rules that a script makes are allowed where those in the page's text are not.
      sheet = new CSSStyleSheet()
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
    }
    const colour = getComputedStyle(document.documentElement).getPropertyValue(`--desk-${tone}`).trim()
    sheet.insertRule(`.state-icon.${made} { background-image: url("data:image/svg+xml,${encodeURIComponent(drawing(icon).replaceAll('currentColor', colour))}"); }`)
  }
  return made
}
