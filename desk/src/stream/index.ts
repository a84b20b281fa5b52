/**
 * The floor as the server tells it, live: rows by kind and key, and a light that says whether they are true now.
 *
 *     const stream = useStream()
 *     const agents = computed(() => stream.list<AgentRow>('agents'))
 *     const call = computed(() => stream.row<CallRow>('calls', id))
 *
 * Changes are played into maps as they come, and shown once per frame; a kind that did not change makes no page draw
 * anything. Rows are never changed in place. Tickets are told and not kept: a page that shows some follows them.
 */
import { defineStore } from 'pinia'
import { ref, shallowReactive } from 'vue'

import { serverSaid } from '@/clock'

import { type Change, type Kind, KINDS, noRows, type Passing, play, type Row, type Rows, snapshotOf } from './rows'
import { type Light, share } from './shared'

export type { Kind, Row } from './rows'

/** Whoever follows a kind that is not kept. */
export interface Follower<T> {
  /** These rows are new or have changed; these keys are gone, or not to be seen any more. */
  told(rows: T[], gone: number[]): void
  /** Changes may have been missed: what is shown is to be read again. */
  anew(): void
}

export const useStream = defineStore('stream', () => {
  /** How far each kind has changed: reading it makes a computed value depend on the kind. */
  const shown = shallowReactive(Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>)
  const light = ref<Light>('connecting')
  /** When the light went out, for "no news for 12 s". */
  const lostAt = ref<number | null>(null)
  /** The server stands by: which one leads, in its words; null when it leads. */
  const standingBy = ref<string | null>(null)
  /** Whether a snapshot has come: without one an empty list means nothing. */
  const known = ref(false)

  let rows: Rows = noRows()
  let at = ''
  const touched = new Set<Kind>()
  const followers = new Set<{ kind: Passing; follower: Follower<Row> }>()
  let frame = 0
  let sharing: { stop(): void } | null = null

  function show(): void {
    frame = 0
    for (const kind of touched) shown[kind] += 1
    touched.clear()
  }

  function take(change: Change, snapshot: boolean): void {
    at = change.at
    serverSaid(change.at)
    for (const kind of play(rows, change, snapshot)) touched.add(kind)
    for (const { kind, follower } of followers) {
      const [rows, gone] = [change.rows?.[kind] ?? [], (change.gone?.[kind] ?? []) as number[]]
      if (snapshot) follower.anew()
      else if (rows.length || gone.length) follower.told(rows, gone)
    }
    if (snapshot) known.value = true
    // A page in the background has no frames; its maps are current all the same.
    if (!frame) frame = requestAnimationFrame(show)
  }

  /** Begin to listen; `refused` is called when the server ends the stream. */
  function start(refused: () => void, path = '/api/v1/stream'): void {
    stop()
    sharing = share(path, {
      snapshot: (change) => take(change, true),
      rows: (change) => take(change, false),
      light: (next) => {
        light.value = next
        lostAt.value = next === 'lost' ? (lostAt.value ?? Date.now()) : null
      },
      server: (next) => (standingBy.value = next),
      refused,
      known: () => (known.value ? snapshotOf(rows, at) : null),
    })
  }

  /** Stop listening and forget everything. */
  function stop(): void {
    sharing?.stop()
    sharing = null
    cancelAnimationFrame(frame)
    frame = 0
    rows = noRows()
    known.value = false
    light.value = 'connecting'
    for (const kind of KINDS) shown[kind] += 1
  }

  /** All rows of a kind, in the order in which they came. */
  function list<T>(kind: Kind): T[] {
    void shown[kind]
    return [...rows[kind].values()] as T[]
  }

  /** One row, or undefined. */
  function row<T>(kind: Kind, key: string | number): T | undefined {
    void shown[kind]
    return rows[kind].get(String(key)) as T | undefined
  }

  /** Hear of changes of a kind that is not kept, until the function is called that is given back. */
  function follow<T>(kind: Passing, follower: Follower<T>): () => void {
    const one = { kind, follower: follower as unknown as Follower<Row> }
    followers.add(one)
    return () => void followers.delete(one)
  }

  return { light, lostAt, known, standingBy, start, stop, list, row, follow, take }
})
