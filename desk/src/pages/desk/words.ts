/** Words for values of calls and tickets; a value that nobody has words for is shown as it is. */
import { i18n } from '@/i18n'
import { named } from '@/i18n/named'

/** A category in words; a case without one has its queue's name in its place. */
export function categoryWords(category: string | null | undefined): string {
  const words = named('category', category)
  return words === category ? named('queue', category) : words
}

export function gradeTone(grade: string): 'info' | 'warning' | 'danger' {
  return grade === 'critical' ? 'danger' : grade === 'serious' ? 'warning' : 'info'
}

/** What an entry of a ticket's history says. */
export function historyWords(entry: { kind: string; from?: string | null; to?: string | null; why?: string | null }): string {
  const { t, te } = i18n.global
  const key = `desk.history.${entry.kind}`
  const state = (value: string | null | undefined): string => {
    if (!value) return ''
    for (const kind of ['ticket_state', 'grade', 'category', 'queue', 'question', 'answer'] as const) {
      const words = named(kind, value)
      if (words !== value) return words
    }
    return value
  }
  return te(key) ? t(key, { from: state(entry.from), to: state(entry.to) }) : [entry.kind, state(entry.to)].filter(Boolean).join(' ')
}

/** Why something was done: the product's own reasons in words, a person's as they were written. */
export function whyWords(why: string): string {
  const [name, ...rest] = why.split(': ')
  const key = `desk.why.${name}`
  return i18n.global.te(key) ? i18n.global.t(key, { count: rest.join(' ').match(/\d+/)?.[0] ?? '' }) : why
}
