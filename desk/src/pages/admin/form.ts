/** A form of quality assurance as it is edited, and the TOML that the server reads it from. */
import type { Form, Question, Section } from '@/pages/qa/shapes'

export type { Form, Question, Section }

export const CRITICAL = ['customer', 'business', 'compliance'] as const

/** A text of TOML. JSON escapes alike, but for the delete character. */
const text = (value: string): string => JSON.stringify(value).replaceAll('\u007F', '\\u007F')

/** The form as TOML; what a question has by itself is left out. */
export function toml(form: Form): string {
  const lines = [`name = ${text(form.name)}`, `version = ${form.version}`, `zh = ${text(form.zh)}`, `en = ${text(form.en)}`, `pass = ${form.pass_mark}`]
  for (const section of form.sections) {
    lines.push('', '[[sections]]', `id = ${text(section.id)}`, `zh = ${text(section.zh)}`, `en = ${text(section.en)}`)
    for (const each of section.questions) {
      lines.push('', '[[sections.questions]]', `id = ${text(each.id)}`, `zh = ${text(each.zh)}`, `en = ${text(each.en)}`, `weight = ${each.weight}`)
      if (each.levels !== 1) lines.push(`levels = ${each.levels}`)
      if (each.may_be_na) lines.push('na = true')
      if (each.critical) lines.push(`critical = ${text(each.critical)}`)
      if (each.fatal) lines.push('fatal = true')
      else if (each.critical && each.cap !== null) lines.push(`cap = ${each.cap}`)
      if (each.hint_zh) lines.push(`hint_zh = ${text(each.hint_zh)}`)
      if (each.hint_en) lines.push(`hint_en = ${text(each.hint_en)}`)
    }
  }
  return `${lines.join('\n')}\n`
}

export const newQuestion = (): Question => ({ id: '', zh: '', en: '', weight: 5, levels: 1, may_be_na: false, critical: null, cap: null, fatal: false, hint_zh: '', hint_en: '' })
export const newSection = (): Section => ({ id: '', zh: '', en: '', questions: [newQuestion()] })
export const newForm = (): Form => ({ name: '', version: 1, zh: '', en: '', pass_mark: 85, sections: [newSection()] })

/** The share of each question in the whole, in percent. */
export function shareOf(form: Form, question: Question): number {
  const whole = form.sections.flatMap((each) => each.questions).reduce((sum, each) => sum + (each.weight || 0), 0)
  return whole ? (100 * (question.weight || 0)) / whole : 0
}
