/** What the unit tests have that a browser has and the test's DOM has not. */
import { afterEach, beforeEach, vi } from 'vitest'

import { startLanguage } from '@/i18n'

class NoResizeObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}
globalThis.ResizeObserver ??= NoResizeObserver as unknown as typeof ResizeObserver

beforeEach(async () => {
  localStorage.clear()
  sessionStorage.clear()
  await startLanguage()
})

// The files of a process share its DOM: nothing of a test stays in it.
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  document.body.replaceChildren()
})
