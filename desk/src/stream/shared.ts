/**
 * One stream for all tabs of a browser: the tab that holds the lock listens to the server and tells the others.
 *
 * When that tab goes, another one gets the lock and asks the server for a snapshot. Where the browser has no locks (plain
 * http to another machine), each tab has a stream of its own.
 */
import type { Change } from './rows'

export type Light = 'connecting' | 'live' | 'lost'

/** A message between tabs. */
type Told =
  | { kind: 'hello' }
  | { kind: 'snapshot'; change: Change }
  | { kind: 'rows'; change: Change }
  | { kind: 'light'; light: Light }
  | { kind: 'server'; standingBy: string | null }

export interface Listener {
  snapshot(change: Change): void
  rows(change: Change): void
  light(light: Light): void
  /** The server that tells stands by: which one leads, in its words; null when it leads itself. */
  server(standingBy: string | null): void
  /** The server ended the stream: the session may be over. */
  refused(): void
  /** Everything that is known, for a tab that has just come; null when nothing is known yet. */
  known(): Change | null
}

const LOCK = 'sansheng-stream'
/** Milliseconds before the stream is opened again after a refusal, at first and at most. */
const [SOON, LATE] = [500, 10_000]
/**
 * Milliseconds without a change after which the server is asked whether it is there: a page does not hear the comments that
 * keep the connection open, and a dead network says nothing.
 */
export const SILENCE = 20_000
const ASKED = 5_000

/** Listen until `stop` is called. */
export function share(path: string, listener: Listener): { stop(): void } {
  const ended = new AbortController()
  const tabs = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(`${LOCK} ${path}`)
  let leading = false
  let light: Light = 'connecting'
  let standingBy: string | null = null

  const tell = (message: Told): void => tabs?.postMessage(message)

  function shine(next: Light): void {
    light = next
    listener.light(next)
    if (leading) tell({ kind: 'light', light: next })
  }

  function standing(next: string | null): void {
    standingBy = next
    listener.server(next)
    if (leading) tell({ kind: 'server', standingBy: next })
  }

  function open(): () => void {
    leading = true
    let source: EventSource | null = null
    let pause = SOON
    let timer: ReturnType<typeof setTimeout> | undefined
    let silence: ReturnType<typeof setTimeout> | undefined

    function heard(): void {
      clearTimeout(silence)
      silence = setTimeout(ask, SILENCE)
      if (light !== 'live') shine('live')
      pause = SOON
    }

    async function ask(): Promise<void> {
      try {
        await fetch('/favicon.svg', { method: 'HEAD', cache: 'no-store', signal: AbortSignal.timeout(ASKED) })
        if (source?.readyState === EventSource.OPEN) heard()
      } catch {
        again()
      }
    }

    function again(): void {
      source?.close()
      clearTimeout(silence)
      shine('lost')
      clearTimeout(timer)
      timer = setTimeout(connect, pause)
      pause = Math.min(pause * 2, LATE)
    }

    function connect(): void {
      source = new EventSource(path)
      source.addEventListener('open', () => {
        heard()
        standing(null) // a server that stands by says so next
      })
      source.addEventListener('snapshot', (event) => {
        heard()
        const change = JSON.parse((event as MessageEvent<string>).data) as Change
        listener.snapshot(change)
        tell({ kind: 'snapshot', change })
      })
      source.addEventListener('rows', (event) => {
        heard()
        const change = JSON.parse((event as MessageEvent<string>).data) as Change
        listener.rows(change)
        tell({ kind: 'rows', change })
      })
      source.addEventListener('server', (event) => {
        standing((JSON.parse((event as MessageEvent<string>).data) as { standing_by: string | null }).standing_by)
      })
      source.addEventListener('error', () => {
        // The browser tries again by itself, with the position it has reached, unless the answer was no stream.
        if (source?.readyState === EventSource.CLOSED) {
          listener.refused()
          again()
        } else shine('lost')
      })
    }

    connect()
    return () => {
      leading = false
      clearTimeout(timer)
      clearTimeout(silence)
      source?.close()
    }
  }

  tabs?.addEventListener('message', (event: MessageEvent<Told>) => {
    const message = event.data
    if (message.kind === 'hello') {
      const change = leading ? listener.known() : null
      if (change) tell({ kind: 'snapshot', change })
      if (leading) {
        tell({ kind: 'light', light })
        tell({ kind: 'server', standingBy })
      }
    } else if (!leading) {
      if (message.kind === 'snapshot') listener.snapshot(message.change)
      else if (message.kind === 'rows') listener.rows(message.change)
      else if (message.kind === 'server') standing(message.standingBy)
      else shine(message.light)
    }
  })

  if (navigator.locks && tabs) {
    void navigator.locks
      .request(LOCK, { signal: ended.signal }, () => {
        const close = open()
        return new Promise<void>((release) =>
          ended.signal.addEventListener('abort', () => {
            close()
            release()
          }),
        )
      })
      .catch(() => undefined)
    tell({ kind: 'hello' })
  } else {
    const close = open()
    ended.signal.addEventListener('abort', close)
  }
  return {
    stop() {
      ended.abort()
      tabs?.close()
    },
  }
}
