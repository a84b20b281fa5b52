import { afterEach, describe, expect, it, vi } from 'vitest'

import { periodName } from '@/pages/qa/periods'

import { day, moment, setZone, time } from './format'
import { dayOf, dayPlus, instantOf, monthCell, pickerNow, today, todayCell, wall } from './zone'

// vite.config.ts lets all tests run in New York: what is of the hotline's zone must not be of the browser's.
describe('the wall clock of the hotline', () => {
  afterEach(() => {
    setZone(undefined)
    vi.useRealTimers()
  })

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

  it('says which day, week and hour a page begins with', () => {
    vi.useFakeTimers({ now: new Date('2027-01-17T20:30:00Z') })
    setZone('Asia/Shanghai')
    expect(new Date().getDate()).toBe(17)
    expect([today(), today(-6), periodName('week', today())]).toEqual(['2027-01-18', '2027-01-12', '2027-W03'])
    const opens = pickerNow()
    expect([opens.getDate(), opens.getHours(), opens.getMinutes()]).toEqual([18, 4, 30])
    expect(moment('2027-01-17T17:00:00Z')).toBe('01:00')
    // Cells of a picker are midnights of the browser's zone.
    expect([17, 18].map((each) => todayCell(new Date(2027, 0, each)))).toEqual(['', 'hotline-today'])
    expect([0, 1].map((each) => monthCell(new Date(2027, each, 1)))).toEqual(['hotline-today', ''])
  })

  it('counts days of the calendar', () => {
    expect([dayPlus('2027-02-28', 1), dayPlus('2027-01-01', -1), dayPlus('2028-02-28', 1)]).toEqual(['2027-03-01', '2026-12-31', '2028-02-29'])
  })
})
