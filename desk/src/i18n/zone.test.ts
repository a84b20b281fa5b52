import { afterEach, describe, expect, it } from 'vitest'

import { day, moment, setZone, time } from './format'
import { dayOf, dayPlus, instantOf, wall } from './zone'

// vite.config.ts lets all tests run in New York: what is of the hotline's zone must not be of the browser's.
describe('the wall clock of the hotline', () => {
  afterEach(() => setZone(undefined))

  it('is not that of the browser', () => {
    expect(new Date('2027-01-15T00:00:00Z').getTimezoneOffset()).toBe(300)
    setZone('Asia/Shanghai')
    expect(wall('2027-01-15T06:05:09Z')).toBe('2027-01-15 14:05:09')
    expect(instantOf('2027-01-15 14:05:09')).toBe('2027-01-15T06:05:09.000Z')
    expect(instantOf('2027-01-15 00:00:00')).toBe('2027-01-14T16:00:00.000Z')
    expect(dayOf('2027-01-14T16:00:00Z')).toBe('2027-01-15')
    expect([time('2027-01-15T06:05:09Z'), moment('2027-01-14T20:00:00Z', new Date('2027-01-15T10:00:00Z'))]).toEqual(['14:05', '04:00'])
    expect(day('2026-12-31T16:00:00Z', new Date('2027-01-01T05:00:00Z'))).not.toContain('2026')
  })

  it('reads back what it showed, on each side of a change of the clocks', () => {
    setZone('Europe/Berlin')
    for (const at of ['2027-03-28T00:30:00.000Z', '2027-03-28T01:00:00.000Z', '2027-10-31T02:00:00.000Z', '2027-07-01T12:00:00.000Z']) expect(instantOf(wall(at))).toBe(at)
    // 02:30 is passed over.
    expect(instantOf('2027-03-28 02:30:00')).toBe('2027-03-28T01:30:00.000Z')
  })

  it('counts days of the calendar', () => {
    expect([dayPlus('2027-02-28', 1), dayPlus('2027-01-01', -1), dayPlus('2028-02-28', 1)]).toEqual(['2027-03-01', '2026-12-31', '2028-02-29'])
  })
})
