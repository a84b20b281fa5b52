import { describe, expect, it } from 'vitest'

import { outline } from './outline'

describe('the picture of a recording', () => {
  it('has the caller above the middle and the agent below, full width', () => {
    expect(outline([127], true)).toBe('M0 20L0 1L400 1L400 20Z')
    expect(outline([127], false)).toBe('M0 20L0 39L400 39L400 20Z')
    expect(outline([], true)).toBe('')
  })

  it('shows the loudest of many peaks that fall on one place', () => {
    const peaks = new Array<number>(4000).fill(0)
    peaks[5] = 127
    expect(outline(peaks, true).startsWith('M0 20L0 1L1 1L1 20')).toBe(true)
  })
})
