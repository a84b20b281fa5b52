import { describe, expect, it } from 'vitest'

import { wav } from './recording'

describe('a recording', () => {
  it('is a plain WAV of one channel', async () => {
    const bytes = new DataView(await wav(new Float32Array([0, 1, -1, 2]), 48_000).arrayBuffer())
    const text = (at: number): string => String.fromCharCode(...[0, 1, 2, 3].map((n) => bytes.getUint8(at + n)))
    expect([text(0), text(8), text(36)]).toEqual(['RIFF', 'WAVE', 'data'])
    expect([bytes.getUint16(20, true), bytes.getUint16(22, true), bytes.getUint32(24, true), bytes.getUint16(34, true)]).toEqual([1, 1, 48_000, 16])
    expect([0, 1, 2, 3].map((n) => bytes.getInt16(44 + 2 * n, true))).toEqual([0, 32767, -32767, 32767])
  })
})
