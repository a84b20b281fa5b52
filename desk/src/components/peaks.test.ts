import { describe, expect, it } from 'vitest'

import { columns, followed, outline, part, ticks, zoomed } from './peaks'

describe('a recording as lines', () => {
  it('keeps the loudest of each step', () => {
    expect(columns([1, 9, 2, 3, 4, 5], 3)).toEqual([9, 3, 5])
    expect(columns([1, 2], 10)).toEqual([1, 2])
  })

  it('goes around the middle, as far as it is loud', () => {
    expect(outline([127, 0], 20, 10)).toBe('M0 20L0.0 10.0L500.0 19.5L1000 20L500.0 20.5L0.0 30.0Z')
    expect(outline([], 20, 10)).toBe('')
  })

  it('is cut to the part that is seen', () => {
    expect(part([0, 1, 2, 3, 4, 5], 2, { from: 1, until: 2 })).toEqual([2, 3])
  })
})

describe('the part that is seen', () => {
  it('is nearer around the place that stays, and no nearer than can be read', () => {
    expect(zoomed({ from: 0, until: 600 }, 2, 300, 600)).toEqual({ from: 150, until: 450 })
    expect(zoomed({ from: 0, until: 600 }, 2, 600, 600)).toEqual({ from: 300, until: 600 })
    expect(zoomed({ from: 0, until: 8 }, 4, 4, 8)).toEqual({ from: 1.5, until: 6.5 })
    expect(zoomed({ from: 100, until: 200 }, 0.1, 150, 600)).toEqual({ from: 0, until: 600 })
    expect(zoomed({ from: 0, until: 3 }, 2, 1, 3)).toEqual({ from: 0, until: 3 })
  })

  it('turns like a page when the sound leaves it', () => {
    const seen = { from: 0, until: 100 }
    expect(followed(seen, 50, 600)).toBe(seen)
    expect(followed(seen, 101, 600)).toEqual({ from: 91, until: 191 })
    expect(followed({ from: 100, until: 200 }, 3, 600)).toEqual({ from: 0, until: 100 })
    expect(followed(seen, 599, 600)).toEqual({ from: 500, until: 600 })
  })

  it('has round times', () => {
    expect(ticks({ from: 0, until: 600 })).toEqual([0, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600])
    expect(ticks({ from: 7, until: 12 })).toEqual([7, 8, 9, 10, 11, 12])
  })
})
