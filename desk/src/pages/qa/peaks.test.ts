import { describe, expect, it } from 'vitest'

import { columns, outline } from './peaks'

describe('a recording as lines', () => {
  it('keeps the loudest of each step', () => {
    expect(columns([1, 9, 2, 3, 4, 5], 3)).toEqual([9, 3, 5])
    expect(columns([1, 2], 10)).toEqual([1, 2])
  })

  it('goes around the middle, as far as it is loud', () => {
    expect(outline([127, 0], 20, 10)).toBe('M0 20L0.0 10.0L500.0 19.5L1000 20L500.0 20.5L0.0 30.0Z')
    expect(outline([], 20, 10)).toBe('')
  })
})
