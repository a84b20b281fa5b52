/** The rows of the stream as the server describes them; docs/live.md says what each field means. */
import type { components } from '@/api'

type Schemas = components['schemas']

export type AgentRow = Schemas['AgentRow']
export type CallRow = Schemas['CallRow']
export type QueueRow = Schemas['QueueRow']
export type ModeRow = Schemas['ModeRow']
export type FiguresRow = Schemas['FiguresRow']
export type CallbackRow = Schemas['CallbackRow']
export type AlarmRow = Schemas['AlarmRow']
export type TicketRow = Schemas['TicketRow']
export type MeRow = Schemas['MeRow']
/** A sentence in both languages. */
export type Words = Schemas['Words']
