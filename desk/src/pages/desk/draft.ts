/**
 * The form of one ticket while it is being filled in: kept in the browser with each letter, on the server within a second.
 *
 * The later of the two is shown when the page comes back. Of two people who type into one ticket, the second one is told, and
 * chooses; nothing is thrown away without a word.
 */
import { onScopeDispose, reactive, ref, shallowRef, watch } from 'vue'

import { asProblem, ifMatch, request } from '@/api'
import { problemOf } from '@/api/problem'

export interface Form {
  category: string
  note: string
  outcome: string
  department: string
  /** Why it is dispatched, or dispatched again. */
  why: string
  promised_for: string
  callback_at: string
  callback_reason: string
  /** Another type than the ticket's. */
  type: string
  /** Fields of the ticket's type, each under `field.` and its name. */
  [field: `field.${string}`]: string
}

export type Kept = 'empty' | 'typing' | 'saved' | 'local' | 'conflict'

/** Milliseconds after the last letter before the server is told. */
const PAUSE = 500
/** Milliseconds before the server is told again after it did not answer. */
const AGAIN = 3_000
const PREFIX = 'sansheng.draft.'

export const emptyForm = (): Form => ({
  category: '',
  note: '',
  outcome: '',
  department: '',
  why: '',
  promised_for: '',
  callback_at: '',
  callback_reason: '',
  type: '',
})

const FIELD = 'field.'

/** The fields of the type that were typed into: name → what was typed. */
export function fieldsOf(form: Form): Record<string, string> {
  return Object.fromEntries(Object.entries(form).filter(([key]) => key.startsWith(FIELD)).map(([key, value]) => [key.slice(FIELD.length), value]))
}

/** The place of a field in the form. */
export const fieldKey = (name: string): `field.${string}` => `${FIELD}${name}`

/** The parts in which two forms differ, in the order of the form. */
export function differing(mine: Form, theirs: Form): (keyof Form)[] {
  const keys = [...new Set([...Object.keys(mine), ...Object.keys(theirs)])] as (keyof Form)[]
  return keys.filter((key) => (mine[key] ?? '') !== (theirs[key] ?? ''))
}

/** Both forms in one: two notes under each other, and of everything else what was typed here, else what was typed there. */
export function merged(mine: Form, theirs: Form): Form {
  const typed = Object.fromEntries(Object.entries(mine).filter(([, value]) => value)) as Partial<Form>
  const [one, other] = [mine.note, theirs.note]
  const note = one.includes(other) ? one : other.includes(one) ? other : `${other}\n${one}`
  return { ...theirs, ...typed, note }
}

interface Local {
  form: Form
  at: number
}

const place = (user: string, ticket: number): string => `${PREFIX}${user}.${ticket}`

function readLocal(user: string, ticket: number): Local | null {
  try {
    const found = JSON.parse(localStorage.getItem(place(user, ticket)) ?? 'null') as Local | null
    return found && typeof found.at === 'number' ? { ...found, form: { ...emptyForm(), ...found.form } } : null
  } catch {
    return null
  }
}

function writeLocal(user: string, ticket: number, local: Local | null): void {
  try {
    if (local) localStorage.setItem(place(user, ticket), JSON.stringify(local))
    else localStorage.removeItem(place(user, ticket))
  } catch {
    // The server keeps it.
  }
}

/** Tickets of which this person has forms in the browser that were not handed in. */
export function openDrafts(user: string): number[] {
  const start = `${PREFIX}${user}.`
  const found: number[] = []
  try {
    for (let index = 0; index < localStorage.length; index += 1) {
      const key = localStorage.key(index)
      if (key?.startsWith(start)) found.push(Number(key.slice(start.length)))
    }
  } catch {
    // No storage.
  }
  return found.filter(Number.isInteger).sort((a, b) => a - b)
}

export function useDraft(user: string, ticket: number) {
  const form = reactive<Form>(emptyForm())
  const kept = ref<Kept>('empty')
  /** The other one's form, when two have typed. */
  const other = shallowRef<{ form: Form; by: string } | null>(null)
  const path = new URL(`/api/v1/tickets/${ticket}/draft`, location.origin).href
  let etag = ''
  let filling = false
  /** Something was typed on this page: what the server has does not take its place without a word. */
  let typed = false
  let loaded = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let sending: Promise<void> = Promise.resolve()
  let over = false

  const isEmpty = (): boolean => Object.values(form).every((value) => !value)

  function fill(next: Partial<Form>): void {
    filling = true
    for (const key of Object.keys(form) as (keyof Form)[]) if (key.startsWith(FIELD) && !(key in next)) delete form[key as `field.${string}`]
    Object.assign(form, emptyForm(), next)
    filling = false
  }

  async function fetchServer(): Promise<{ form: Form; by: string; at: number } | null> {
    const answer = await request(path)
    if (answer.status === 404) {
      etag = ''
      return null
    }
    if (!answer.ok) throw await problemOf(answer)
    etag = answer.headers.get('ETag') ?? ''
    const body = (await answer.json()) as { form: Partial<Form>; by: string; at: string }
    return { form: { ...emptyForm(), ...body.form } as Form, by: body.by, at: Date.parse(body.at) }
  }

  /** Bring back what was typed before. */
  async function load(): Promise<void> {
    const local = readLocal(user, ticket)
    if (local) fill(local.form)
    try {
      const server = await fetchServer()
      loaded = true
      if (typed) send()
      else if (server && (!local || server.at > local.at)) {
        fill(server.form)
        kept.value = 'saved'
        writeLocal(user, ticket, { form: { ...form }, at: server.at })
      } else if (local) send()
    } catch {
      loaded = true
      kept.value = local || typed ? 'local' : 'empty'
      if (typed) timer = setTimeout(send, AGAIN)
    }
  }

  async function put(): Promise<void> {
    if (over || kept.value === 'conflict') return
    try {
      const condition = etag ? ifMatch(etag) : { 'If-None-Match': '*' }
      const sent = JSON.stringify({ form: { ...form } })
      const answer = await request(path, {
        method: 'PUT',
        headers: { 'Content-Type': 'application/json', ...condition },
        body: sent,
      })
      if (answer.status === 412) {
        const server = await fetchServer()
        // What stands there is what this page sent before its answer was lost.
        if (server && JSON.stringify({ form: server.form }) === sent) kept.value = 'saved'
        else {
          other.value = server
          kept.value = server ? 'conflict' : 'local'
          if (!server) send()
        }
        return
      }
      if (!answer.ok) throw await problemOf(answer)
      const body = await fetchServer()
      if (body && sent === JSON.stringify({ form: { ...form } })) kept.value = 'saved'
    } catch (error) {
      kept.value = 'local'
      const problem = asProblem(error)
      // A ticket that is closed, or another's, takes no form: the browser keeps it.
      if (![403, 404, 409, 422].includes(problem.status)) timer = setTimeout(send, AGAIN)
    }
  }

  function send(): void {
    sending = sending.then(put)
  }

  watch(form, () => {
    if (filling || over) return
    typed = true
    writeLocal(user, ticket, isEmpty() ? null : { form: { ...form }, at: Date.now() })
    if (kept.value !== 'conflict') kept.value = 'typing'
    clearTimeout(timer)
    if (loaded) timer = setTimeout(send, PAUSE)
  }, { flush: 'sync' })

  /** Of two forms: mine goes on over the other one, the other one is taken, or both become one. */
  function decide(which: 'mine' | 'theirs' | 'both'): void {
    const theirs = other.value
    other.value = null
    kept.value = 'typing'
    if (theirs && which !== 'mine') fill(which === 'theirs' ? theirs.form : merged({ ...form }, theirs.form))
    writeLocal(user, ticket, { form: { ...form }, at: Date.now() })
    send()
  }

  /** The form was handed in. */
  async function drop(): Promise<void> {
    over = true
    clearTimeout(timer)
    writeLocal(user, ticket, null)
    await sending
    await request(path, { method: 'DELETE' }).catch(() => undefined)
    fill({})
    etag = ''
    kept.value = 'empty'
    over = false
  }

  /** These parts were handed in; the rest stays. */
  async function settle(...parts: (keyof Form)[]): Promise<void> {
    for (const part of parts) {
      if (part.startsWith(FIELD)) delete form[part as `field.${string}`]
      else form[part] = ''
    }
    if (isEmpty()) await drop()
  }

  /** Send what was typed last at once: the page goes. */
  function leave(): void {
    clearTimeout(timer)
    if (kept.value === 'typing') send()
  }

  onScopeDispose(leave)
  return { form, kept, other, load, decide, drop, settle, isEmpty, fill }
}

export type Draft = ReturnType<typeof useDraft>

