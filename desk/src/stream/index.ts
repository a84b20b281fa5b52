/**
 * The floor as the server tells it, live: rows by kind and key, and a light that says whether they are true now.
 *
 *     const stream = useStream()
 *     const agents = computed(() => stream.list<AgentRow>('agents'))
 *     const call = computed(() => stream.row<CallRow>('calls', id))
 *
 * Changes are played into maps as they come, and shown once per frame; a kind that did not change makes no page draw
 * anything. Rows are never changed in place.
 */
import { defineStore } from 'pinia'
import { ref, shallowReactive } from 'vue'

import { serverSaid } from '@/clock'

import { type Change, type Kind, KINDS, noRows, play, type Rows, snapshotOf } from './rows'
import { type Light, share } from './shared'

export type { Kind, Row } from './rows'

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

  return { light, lostAt, known, standingBy, start, stop, list, row, take }
})
