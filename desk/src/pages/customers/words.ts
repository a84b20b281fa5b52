/** Words and looks of customers' marks. */
import type { Tone } from '@/components/states'

export const MARKS = ['do_not_call', 'do_not_record', 'nuisance'] as const
export const MARK_LOOKS: Record<string, Tone> = { do_not_call: 'warn', do_not_record: 'warn', nuisance: 'bad' }
export const MARK_STATES: Record<string, [string, Tone]> = {
  proposed: ['waiting', 'warn'], in_force: ['busy', 'bad'], lifted: ['available', 'idle'], expired: ['signed_out', 'idle'],
}

/** The class as people write it; others than VIP are the operator's own. */
export const classWords = (name: string | null | undefined): string | null => (name?.toLowerCase() === 'vip' ? 'VIP' : name || null)

/** A mark as a file shows it: `nuisance (proposed)` is not in force yet. */
export function markOf(said: string): { mark: string; state: string } {
  const [, mark, state] = /^(\w+)(?: \((\w+)\))?$/.exec(said) ?? []
  return { mark: mark ?? said, state: state ?? 'in_force' }
}
