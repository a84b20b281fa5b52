/** Names that the server uses, in the words of people. A name that the operator made up stays as it is. */
import { i18n, language } from '.'

export type Names =
  | 'queue' | 'category' | 'status' | 'state' | 'call_state' | 'grade' | 'ticket_state' | 'outcome' | 'promise' | 'source' | 'hold' | 'break' | 'attempt' | 'mode'

/** `named('queue', 'complaint')` → 投诉; NONE of an empty name is an empty text. */
export function named(kind: Names, name: string | null | undefined): string {
  if (!name) return ''
  const key = `domain.${kind}.${name}`
  return i18n.global.te(key) ? i18n.global.t(key) : name
}

/** A sentence that the server says in both languages. */
export function said(words: { 'zh-CN': string; en: string } | null | undefined): string {
  return words ? words[language.value] : ''
}
