/** Parts of pages that are not seen at first: fetched when the browser has nothing else to do, or when they are opened. */
import { type AsyncComponentLoader, type Component, defineAsyncComponent } from 'vue'

/** How often a part that is shown is asked for, a second longer apart each time: the server may just start again. */
const TRIES = 5

const idle = (then: () => void): unknown => (typeof requestIdleCallback === 'undefined' ? setTimeout(then, 2000) : requestIdleCallback(then, { timeout: 10_000 }))

/** `const Search = later(() => import('./Search.vue'))`: there before anyone opens it, and not before the page is. */
export function later<T extends Component>(loader: AsyncComponentLoader<T>): T {
  // What could not be fetched ahead is asked for again when it is opened.
  idle(() => void loader().catch(() => undefined))
  return defineAsyncComponent({ loader, onError: (_error, retry, fail, tries) => void (tries < TRIES ? setTimeout(retry, 1000 * tries) : fail()) })
}
