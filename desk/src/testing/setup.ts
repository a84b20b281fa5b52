/** What the unit tests have that a browser has and the test's DOM has not. */
import { beforeEach } from 'vitest'

import { startLanguage } from '@/i18n'

class NoResizeObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}
globalThis.ResizeObserver ??= NoResizeObserver as unknown as typeof ResizeObserver

beforeEach(async () => {
  localStorage.clear()
  await startLanguage()
})
