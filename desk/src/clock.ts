/** One clock for all counters of the page: the server's time, which ticks once a second. */
import { readonly, ref } from 'vue'

/** Milliseconds by which the server's clock is ahead of this machine's. */
let ahead: number | null = null
const tick = ref(Date.now())

/** The server's time now, in milliseconds. */
export const serverNow = (): number => Date.now() + (ahead ?? 0)

/**
 * The server said what time it is. The least delayed of its answers is the truest; a jump of the clock by more than two
 * seconds is taken as it is.
 */
export function serverSaid(instant: string): void {
  const said = Date.parse(instant)
  if (Number.isNaN(said)) return
  const now = said - Date.now()
  if (ahead === null || now > ahead || ahead - now > 2000) ahead = now
}

let started = false

/** The server's time, as a value that changes each second; all counters change together. */
export function useNow(): Readonly<typeof tick> {
  if (!started) {
    started = true
    const next = (): void => {
      tick.value = serverNow()
      setTimeout(next, 1000 - (serverNow() % 1000))
    }
    next()
  }
  return readonly(tick) as Readonly<typeof tick>
}

/** Seconds from an instant to the given time, never negative; null without an instant. */
export function secondsSince(instant: string | null | undefined, now: number): number | null {
  if (!instant) return null
  const then = Date.parse(instant)
  return Number.isNaN(then) ? null : Math.max(0, (now - then) / 1000)
}
