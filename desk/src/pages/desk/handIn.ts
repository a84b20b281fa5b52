/** Hands a ticket's form in: each part is an act of its own, done once, however often the whole is tried. */
import { api, asProblem, type components, done, ifMatch, newKey, once, raw } from '@/api'

import { type Form, fieldsOf } from './draft'

export type Ticket = components['schemas']['TicketDetail'] & { caller?: string; links?: { owns?: string[] }[] }
export type Forms = components['schemas']['FormsOut']
export type Kind = components['schemas']['TypeOut']

export interface Changes {
  category?: string
  type?: string
  fields?: Record<string, string>
  promised_for?: string
}

/** The type that the form has chosen, else the ticket's. */
export function kindOf(forms: Forms | null, form: Form, ticket: Ticket | null): Kind | undefined {
  return forms?.types.find(({ name }) => name === (form.type || ticket?.type))
}

/** What each field of the type holds: what was typed, else what the ticket has. */
export function valuesOf(kind: Kind | undefined, form: Form, ticket: Ticket | null): Record<string, string> {
  const held = { ...ticket?.fields, ...fieldsOf(form) }
  return Object.fromEntries((kind?.fields ?? []).map(({ name }) => [name, held[name]?.trim() ? held[name] : '']))
}

/** Fields of the type's checklist that are empty: the ticket cannot be dispatched before they are filled. */
export function lacking(kind: Kind | undefined, values: Record<string, string>): string[] {
  return (kind?.checklist ?? []).filter((name) => !values[name]?.trim())
}

/** What the form wants otherwise than the ticket has it. Fields of another type stay behind. */
export function changesOf(form: Form, ticket: Ticket, kind: Kind | undefined): Changes {
  const own = new Set(kind?.fields.map(({ name }) => name))
  const fields = Object.fromEntries(
    Object.entries(fieldsOf(form))
      .filter(([name, value]) => own.has(name) && value.trim() !== (ticket.fields[name] ?? ''))
      .map(([name, value]) => [name, value.trim()]),
  )
  return {
    ...(form.category && form.category !== ticket.confirmed ? { category: form.category } : {}),
    ...(form.type && form.type !== ticket.type ? { type: form.type } : {}),
    ...(Object.keys(fields).length ? { fields } : {}),
    ...(form.promised_for ? { promised_for: form.promised_for } : {}),
  }
}

/** Whether somebody else changed what these changes are about, from one look at the ticket to the next. */
export function crossed(changes: Changes, before: Ticket, after: Ticket): boolean {
  if (changes.category && before.confirmed !== after.confirmed) return true
  if (changes.type && before.type !== after.type) return true
  if (changes.promised_for && before.promised_for !== after.promised_for) return true
  return Object.keys(changes.fields ?? {}).some((name) => (before.fields[name] ?? '') !== (after.fields[name] ?? ''))
}

export async function readTicket(number: number): Promise<Ticket> {
  return (await done(api.GET('/api/v1/tickets/{number}', { params: { path: { number } } }))) as Ticket
}

export interface Callback {
  number: string
  owner: string
}

/** The acts of one form; steps that were done stay done until `begin`. */
export class HandIn {
  private doneSteps = new Set<string>()
  private key = newKey()

  constructor(private readonly ticket: number) {}

  /** The next form is another one. */
  begin(): void {
    this.doneSteps = new Set()
    this.key = newKey()
  }

  private async step(name: string, act: () => Promise<unknown>): Promise<void> {
    if (this.doneSteps.has(name)) return
    await act()
    this.doneSteps.add(name)
  }

  /**
   * Do everything that the form says. `seen` is the ticket as the agent saw it; `look` is told of it as it is meanwhile, when
   * somebody else has changed the same things: then nothing was written over them. Throws the Problem.
   */
  async go(form: Form, seen: Ticket, kind: Kind | undefined, call: Callback | null, look: (now: Ticket) => void): Promise<void> {
    const path = `/api/v1/tickets/${this.ticket}`
    const post = (rest: string, json: unknown): Promise<unknown> => raw(`${path}/${rest}`, { method: 'POST', json, headers: once(`${this.key}-${rest}`) })
    const changes = changesOf(form, seen, kind)
    if (Object.keys(changes).length) await this.step('change', () => this.change(path, changes, seen, look))
    if (form.note.trim()) await this.step('note', () => post('notes', { text: form.note.trim() }))
    const open = seen.state === 'new' || seen.state === 'in_progress'
    if (form.outcome === 'resolved' && open) await this.step('state', () => post('state', { state: 'resolved' }))
    if (form.outcome === 'in_progress' && seen.state === 'new') await this.step('state', () => post('state', { state: 'in_progress' }))
    if (form.outcome === 'dispatch' && seen.state === 'new') await this.step('state', () => post('state', { state: 'dispatched', department: form.department }))
    if (form.callback_at && call) {
      await this.step('callback', () =>
        raw('/api/v1/callbacks', {
          method: 'POST',
          headers: once(`${this.key}-callback`),
          json: { ...call, category: form.category || seen.category || '', after: form.callback_at, reason: form.callback_reason },
        }),
      )
    }
  }

  /** A ticket that has grown meanwhile (its recording, its calls) takes the changes; one that was changed in them does not. */
  private async change(path: string, changes: Changes, seen: Ticket, look: (now: Ticket) => void): Promise<void> {
    const patch = (ticket: Ticket): Promise<unknown> => raw(path, { method: 'PATCH', json: changes, headers: ifMatch(`"v${ticket.version}"`) })
    let from = seen
    for (;;) {
      try {
        return void (await patch(from))
      } catch (error) {
        if (asProblem(error).status !== 412) throw error
        const now = await readTicket(this.ticket)
        const told = crossed(changes, from, now) || now.version === from.version
        if (told) {
          look(now)
          throw error
        }
        from = now
      }
    }
  }
}
