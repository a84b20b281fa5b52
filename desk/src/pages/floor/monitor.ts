/** Listening, whispering and barging in: who hears the supervisor, and the request. */
import { api, done } from '@/api'

export const MONITORS = ['listen', 'whisper', 'barge'] as const
export type Monitor = (typeof MONITORS)[number]

/** The letter that does it on a row in focus. */
export const LETTERS: Record<string, Monitor> = { l: 'listen', w: 'whisper', b: 'barge' }

/** Ring `phone` for this call; an empty one is the person's own. */
export function monitor(call: number, mode: Monitor, reason: string, phone: string): Promise<unknown> {
  return done(api.POST('/api/v1/calls/{number}/monitor', { params: { path: { number: call } }, body: { mode, reason, phone } }))
}
