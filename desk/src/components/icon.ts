/**
 * An icon of a state as a picture in its tone's colour.
 *
 * A drawing in the document (`<svg>`) is a part of its own that the browser puts together anew in every frame of a scrolled
 * table; a picture is painted with the row that it stands in.
 */
import { type Component, h, render } from 'vue'

import type { Tone } from './states'

const made = new Map<Component, string>()

/** The drawing as text, without a colour. */
function drawing(icon: Component): string {
  let found = made.get(icon)
  if (found === undefined) {
    const place = document.createElement('div')
    render(h(icon), place)
    found = place.innerHTML
    render(null, place)
    made.set(icon, found)
  }
  return found
}

const pictures = new Map<string, string>()
const colour = (tone: Tone): string => getComputedStyle(document.documentElement).getPropertyValue(`--desk-${tone}`).trim() || '#56606e'

/** The address of the picture, `data:image/svg+xml,…`. */
export function picture(icon: Component, name: string, tone: Tone): string {
  const key = `${name} ${tone}`
  let found = pictures.get(key)
  if (found === undefined) {
    found = `data:image/svg+xml,${encodeURIComponent(drawing(icon).replaceAll('currentColor', colour(tone)))}`
    pictures.set(key, found)
  }
  return found
}
