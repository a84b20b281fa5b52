import { describe, expect, it } from 'vitest'

import { answerOf, readMarks, tally, writtenMarks } from './marks'
import type { Form, Question } from './shapes'

const question = (id: string, more: Partial<Question> = {}): Question => ({
  id, zh: id, en: id, weight: 10, levels: 1, may_be_na: false, critical: null, cap: null, fatal: false, hint_zh: '', hint_en: '', ...more,
})
const form: Form = {
  name: 'f', version: 1, zh: 'f', en: 'f', pass_mark: 85,
  sections: [{ id: 's', zh: 's', en: 's', questions: [
    question('greeting'), question('calm', { levels: 4, weight: 20 }), question('hold', { may_be_na: true }), question('safe', { critical: 'compliance', cap: 59 }),
    question('polite', { critical: 'customer', fatal: true }),
  ] }],
}
const mark = (value: number | 'na' | null): { value: number | 'na' | null; at: number[]; note: string } => ({ value, at: [], note: '' })

describe('a key', () => {
  it('gives the marks of its question, and no other', () => {
    expect(['1', '2', '3', '0'].map((key) => answerOf(question('yes'), key))).toEqual([0, 1, null, null])
    expect(['1', '5', '6'].map((key) => answerOf(question('scale', { levels: 4 }), key))).toEqual([0, 4, null])
    expect(answerOf(question('hold', { may_be_na: true }), '0')).toBe('na')
  })
})

describe('marks', () => {
  it('are written as they were read', () => {
    const read = readMarks([{ question: 'calm', value: 3, at: [1.5], note: 'x' }, { question: 'hold', value: null, at: [], note: null }])
    expect(read.hold!.value).toBe('na')
    expect(writtenMarks({ ...read, greeting: mark(1), polite: mark(null) })).toEqual({ calm: { value: 3, at: [1.5], note: 'x' }, hold: 'na', greeting: 1 })
  })

  it('count by weight, without those that do not apply', () => {
    const marks = { greeting: mark(1), calm: mark(2), hold: mark('na'), safe: mark(1), polite: mark(1) }
    expect(tally(form, marks)).toEqual({ points: 80, score: 80, missing: [] })
  })

  it('are held down by a cap, and are 0 by a fatal error', () => {
    const marks = { greeting: mark(1), calm: mark(4), hold: mark(1), safe: mark(0), polite: mark(1) }
    expect(tally(form, marks).score).toBe(59)
    const fatal = tally(form, { ...marks, safe: mark(1), polite: mark(0) })
    expect(fatal.score).toBe(0)
    expect(fatal.points).toBeCloseTo(83.33, 1)
    expect(tally(form, {}).missing).toHaveLength(5)
  })
})
