import { describe, expect, it } from 'vitest'

import { chosenLanguage, setLanguage } from '.'
import { day, duration, moment, number, percent, setZone, time } from './format'

describe('values', () => {
  it('have a dash where there is none', () => {
    expect([time(null), day(undefined), duration(null), number(undefined), percent(null), time('nonsense')]).toEqual(Array(6).fill('–'))
  })

  it('of time are minutes and seconds, and hours when there are any', () => {
    expect([0, 7.9, 754, 3723].map(duration)).toEqual(['0:00', '0:07', '12:34', '1:02:03'])
  })

  it('of today leave the day out', async () => {
    await setLanguage('en')
    const now = new Date(2026, 10, 28, 15, 0)
    expect(moment(new Date(2026, 10, 28, 14, 5), now)).toBe('14:05')
    expect(moment(new Date(2026, 10, 27, 14, 5), now)).toBe('Nov 27 14:05')
    expect(moment(new Date(2025, 10, 27, 14, 5), now)).toContain('2025')
  })

  it('of an instant are those of the hotline, wherever the browser is', async () => {
    await setLanguage('en')
    const at = '2026-11-28T17:30:00Z'
    setZone('Asia/Shanghai')
    expect([time(at), moment(at, new Date('2026-11-28T15:00:00Z'))]).toEqual(['01:30', 'Nov 29 01:30'])
    setZone('Europe/Berlin')
    expect(time(at)).toBe('18:30')
    setZone(undefined)
  })

  it('are shares as percents and numbers in groups', () => {
    expect([percent(0.934), percent(0.934, 1), number(1234)]).toEqual(['93%', '93.4%', '1,234'])
  })
})

describe('the language', () => {
  it('is the one of the address, then the one chosen before, then Chinese', () => {
    expect(chosenLanguage('?lang=en', 'zh-CN')).toBe('en')
    expect(chosenLanguage('?lang=zh', 'en')).toBe('zh-CN')
    expect(chosenLanguage('', 'en')).toBe('en')
    expect(chosenLanguage('?lang=fr', null)).toBe('zh-CN')
  })
})
