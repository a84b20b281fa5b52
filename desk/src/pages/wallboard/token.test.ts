import { describe, expect, it } from 'vitest'

import { events, tokenIn } from './token'

describe('the wallboard', () => {
  it('finds its token behind the hash alone', () => {
    expect([tokenIn('#token=abc'), tokenIn(''), tokenIn('#x=1')]).toEqual(['abc', '', ''])
  })

  it('reads events that come in pieces', async () => {
    const pieces = ['id: 1\nevent: snap', 'shot\ndata: {"a"', ': 1}\n\n: beat\n\nevent: rows\nda', 'ta: {}\n\n']
    const body = new ReadableStream<Uint8Array>({
      start(out) {
        for (const piece of pieces) out.enqueue(new TextEncoder().encode(piece))
        out.close()
      },
    })
    const seen: [string, string][] = []
    await events(body, (event, data) => seen.push([event, data]))
    expect(seen).toEqual([['snapshot', '{"a": 1}'], ['rows', '{}']])
  })
})
