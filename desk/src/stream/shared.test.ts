import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { type Listener, share } from './shared'

/** The server's end of a stream. */
class Source extends EventTarget {
  static last: Source
  static OPEN = 1
  static CLOSED = 2
  readyState = 1
  constructor() {
    super()
    Source.last = this
  }
  say(name: string, data: unknown): void {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }))
  }
  close(): void {
    this.readyState = 2
  }
}

const told: unknown[] = []
const listener: Listener = {
  snapshot: () => told.push('snapshot'),
  rows: () => told.push('rows'),
  light: (light) => told.push(light),
  server: (standingBy) => told.push({ standingBy }),
  refused: () => told.push('refused'),
  known: () => null,
}
let stop: () => void

beforeEach(() => {
  told.length = 0
  vi.stubGlobal('EventSource', Source)
  vi.stubGlobal('BroadcastChannel', undefined)
  stop = share('/api/v1/stream', listener).stop
})
afterEach(() => {
  stop()
  vi.unstubAllGlobals()
})

describe('the stream', () => {
  it('tells that its server stands by, until another answers or it leads', () => {
    const source = Source.last
    source.dispatchEvent(new Event('open'))
    source.say('snapshot', { at: '2026-11-28T06:00:00Z', rows: {} })
    source.say('server', { standing_by: 'this server stands by, two leads' })
    source.say('server', { standing_by: null })
    expect(told).toEqual(['live', { standingBy: null }, 'snapshot', { standingBy: 'this server stands by, two leads' }, { standingBy: null }])
  })

  it('is said to be lost when it breaks, and refused when the server ends it', () => {
    Source.last.dispatchEvent(new Event('error'))
    expect(told).toEqual(['lost'])
    Source.last.close()
    Source.last.dispatchEvent(new Event('error'))
    expect(told).toContain('refused')
  })
})
