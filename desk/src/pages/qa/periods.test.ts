import { describe, expect, it } from 'vitest'

import { periodName } from './periods'

describe('a period', () => {
  it('is named by its day, ISO week or month', () => {
    expect(periodName('day', '2027-01-05')).toBe('2027-01-05')
    expect(periodName('month', '2027-01-05')).toBe('2027-01')
    expect(periodName('week', '2027-01-15')).toBe('2027-W02')
  })

  it('of a week at the turn of the year belongs to the year of its Thursday', () => {
    expect(periodName('week', '2027-01-01')).toBe('2026-W53')
    expect(periodName('week', '2024-12-30')).toBe('2025-W01')
  })
})
