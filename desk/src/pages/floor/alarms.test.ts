import { beforeAll, describe, expect, it } from 'vitest'

import { i18n, loadWords, setLanguage } from '@/i18n'
import type { AlarmRow } from '@/stream/shapes'
import { firstWords } from '@/testing/server'

import { alarmWords } from './alarms'

const alarm = (more: Partial<AlarmRow>): AlarmRow =>
  ({ id: 'a', kind: 'hotline', what: 'warning', sentence: 'a sentence', code: '', values: {}, parts: [], since: null, recording: null, call: null, ...more })

beforeAll(() => loadWords('floor'))

describe('an alarm', () => {
  it('is said in the language of the page, with its values', () => {
    expect(alarmWords(alarm({ code: 'trunk', values: { trunk: 'main', error: '408' } }))).toBe('中继 main 不通：408')
    expect(alarmWords(alarm({ code: 'one_way', values: { call: 7, side: 'agent', agent: '1001', seconds: 12 } }))).toContain('坐席（坐席 1001）已 12 秒')
  })

  it('of every code that the server warns with has words in both languages', async () => {
    const codes = firstWords('warned')
    expect(codes.length).toBeGreaterThan(20)
    for (const language of ['zh-CN', 'en'] as const) {
      await setLanguage(language)
      await loadWords('floor')
      expect([language, codes.filter((code) => !i18n.global.te(`floor.alarm.${code}`))]).toEqual([language, []])
    }
    await setLanguage('zh-CN')
  })

  it('of a recording says each thing that is wrong with it', () => {
    const parts: AlarmRow['parts'] = [{ sentence: 's', code: 'silent', values: { side: 'caller', level: -96, seconds: 10 } }, { sentence: 'a new remark', code: '', values: {} }]
    expect(alarmWords(alarm({ code: 'recording_suspicious', values: { recording: 17 }, parts }))).toBe('录音 17 可疑: 客户一侧 10 秒无声（-96 dBFS）; a new remark')
  })

  it('without words of the page is the sentence of the server', () => {
    expect(alarmWords(alarm({ code: 'unheard_of' }))).toBe('a sentence')
    expect(i18n.global.te('floor.alarm.unheard_of')).toBe(false)
  })
})
