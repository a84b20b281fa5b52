/** Why an agent may be on a break: the server owns the list, and its words in both languages. */
import { shallowRef } from 'vue'

import { api, type components, done } from '@/api'
import { language } from '@/i18n'
import { named } from '@/i18n/named'

export type BreakReason = components['schemas']['BreakOut']

/** The reason with which an agent is busy rather than away: it has a look of its own. */
export const BUSY = 'busy'
/** A break for which no reason was named. */
const PLAIN = 'break'

/** The reasons in the order in which they are offered; empty until the server has told them. */
export const breakReasons = shallowRef<BreakReason[]>([])

/** Ask the server for the reasons. What was known stays while it does not answer. */
export async function loadBreaks(): Promise<void> {
  const page = await done(api.GET('/api/v1/breaks')).catch(() => null)
  if (page) breakReasons.value = page.items
}

const find = (reason: string): BreakReason | undefined => breakReasons.value.find((each) => each.name === reason)

/** A reason in words: the operator's, else the product's, else as somebody wrote it; empty for a plain break. */
export function breakWords(reason: string | null | undefined): string {
  if (!reason || reason === PLAIN) return ''
  return find(reason)?.label[language.value] ?? named('break', reason)
}

/** Seconds after which this break is too long; null: never. */
export const breakLimit = (reason: string | null | undefined): number | null => (reason ? (find(reason)?.limit ?? null) : null)
