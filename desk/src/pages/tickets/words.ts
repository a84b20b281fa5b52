/** Words for what stands in tickets; a value that nobody has words for is shown as it is. */
import type { Tone } from '@/components/states'
import { i18n, language } from '@/i18n'
import { moment } from '@/i18n/format'
import { named } from '@/i18n/named'

import type { Step } from './one'

function words(kind: string, value: string | null | undefined): string {
  if (!value) return ''
  const key = `tickets.${kind}.${value}`
  return i18n.global.te(key) ? i18n.global.t(key) : value
}

/** A type as the operator calls it; in English, a type that has a queue's name is called as the queue is. */
export function typeWords(name: string | null | undefined, label?: string): string {
  const known = named('queue', name)
  return language.value !== 'zh-CN' && known !== name ? known : label || name || ''
}

export const stateWords = (state: string | null | undefined): string => named('ticket_state', state)
export const levelWords = (level: string | null | undefined): string => words('levels', level)

export const STATE_LOOKS: Record<string, [string, Tone]> = {
  new: ['waiting', 'warn'], dispatched: ['reserved', 'warn'], acknowledged: ['available', 'busy'], in_progress: ['wrap_up', 'busy'],
  resolved: ['available', 'good'], followed_up: ['survey', 'good'], closed: ['available', 'idle'],
}
export const GRADE_TONES: Record<string, Tone> = { general: 'idle', serious: 'warn', critical: 'bad' }

/** A value of the history in words: a state, a grade, a level, a limit, an instant, or as it stands. */
function value(step: Step, which: 'from' | 'to'): string {
  const said = step[which]
  if (!said) return i18n.global.t('tickets.nothing')
  if (step.kind === 'state') return stateWords(said)
  if (step.kind === 'grade') return named('grade', said)
  if (step.kind === 'escalated') return levelWords(said)
  if (step.kind === 'answer') return named(which === 'from' ? 'question' : 'answer', said)
  if (step.kind === 'category') return named('category', said)
  if (step.kind === 'promised' || step.kind === 'promise_missed') return moment(said)
  if (step.kind === 'warning' || step.kind === 'overdue') return words('limits', said)
  if (step.kind === 'authority_answered') return which === 'to' ? words('answers', said) : said.replace(/\D/g, '')
  if (step.kind === 'authority_asked') return said.replace(/\D/g, '')
  return said
}

/** What an entry of a ticket's history says, without its reason. */
export function stepWords(step: Step): string {
  const { t, te } = i18n.global
  const key = `tickets.history.${step.kind}`
  return te(key) ? t(key, { from: value(step, 'from'), to: value(step, 'to') }) : [step.kind, step.from, step.to].filter(Boolean).join(' ')
}
