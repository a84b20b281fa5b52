/** Names that the server uses, in the words of people. A name that the operator made up stays as it is. */
import { categoryLabel } from '@/categories'

import { i18n, language } from '.'

export type Names =
  | 'queue' | 'category' | 'status' | 'state' | 'call_state' | 'grade' | 'ticket_state' | 'outcome' | 'promise' | 'source' | 'hold' | 'break' | 'attempt' | 'mode' | 'question' | 'answer'

/** `named('queue', 'complaint')` → 投诉; NONE of an empty name is an empty text. */
export function named(kind: Names, name: string | null | undefined): string {
  if (!name) return ''
  const own = kind === 'category' ? categoryLabel(name, language.value) : undefined
  if (own) return own
  const key = `domain.${kind}.${name}`
  return i18n.global.te(key) ? i18n.global.t(key) : name
}

/** A customer's answer in a follow-up call, `satisfied: yes` as reports have it, in words. */
export function answerWords(said: string): string {
  const [question, answer] = [said.slice(0, said.lastIndexOf(': ')), said.slice(said.lastIndexOf(': ') + 2)]
  return question ? i18n.global.t('domain.answered', { question: named('question', question), answer: named('answer', answer) }) : said
}

/** A sentence that the server says in both languages. */
export function said(words: { 'zh-CN': string; en: string } | null | undefined): string {
  return words ? words[language.value] : ''
}
