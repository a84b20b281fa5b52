/** Marks while they are made: read from a review, given by a key, counted as the server counts them, and written back. */
import { language } from '@/i18n'

import type { Form, MarkOut, Question, Section } from './shapes'

export interface Mark {
  value: number | 'na' | null
  at: number[]
  note: string
}
export type Marks = Record<string, Mark>

export const noMark = (): Mark => ({ value: null, at: [], note: '' })

/** A mark of null in an answer means "not applicable". */
export function readMarks(given: readonly MarkOut[]): Marks {
  return Object.fromEntries(given.map(({ question, value, at, note }) => [question, { value: value ?? 'na', at: [...at], note: note ?? '' }]))
}

/** As a request has them; a question without an answer is left out. */
export function writtenMarks(marks: Marks): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const [question, { value, at, note }] of Object.entries(marks)) {
    if (value === null) continue
    found[question] = at.length || note.trim() ? { value, at, note: note.trim() } : value
  }
  return found
}

/** What a key means for a question: `1` is its lowest mark, `0` not applicable; null for a key that means nothing. */
export function answerOf(question: Question, key: string): number | 'na' | null {
  if (key === '0') return question.may_be_na ? 'na' : null
  const value = Number(key) - 1
  return Number.isInteger(value) && value >= 0 && value <= question.levels ? value : null
}

export const questionsOf = (form: Form): Question[] => form.sections.flatMap((section) => section.questions)
export const wordsOf = (each: Question | Section | Form): string => (language.value === 'en' ? each.en : each.zh)
export const hintOf = (each: Question): string => (language.value === 'en' ? each.hint_en : each.hint_zh)

export interface Tally {
  points: number | null
  score: number | null
  /** Questions without an answer. */
  missing: string[]
}

/** The score as far as it is known; the server's is the one that counts. */
export function tally(form: Form, marks: Marks): Tally {
  let [got, most, cap, fatal] = [0, 0, 100, false]
  const missing: string[] = []
  for (const question of questionsOf(form)) {
    const value = marks[question.id]?.value ?? null
    if (value === null) missing.push(question.id)
    if (value === null || value === 'na') continue
    got += (question.weight * value) / question.levels
    most += question.weight
    if (question.critical && value === 0) {
      if (question.cap !== null) cap = Math.min(cap, question.cap)
      fatal ||= question.fatal
    }
  }
  if (most === 0) return { points: null, score: null, missing }
  const points = Math.min(cap, (100 * got) / most)
  return { points, score: fatal ? 0 : points, missing }
}
