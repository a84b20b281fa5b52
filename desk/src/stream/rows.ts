/** What the server's stream says, as rows by kind and key. No I/O: a message goes in, a new set of rows comes out. */

export type Row = Record<string, unknown>
export type Kind = 'agents' | 'calls' | 'queues' | 'modes' | 'figures' | 'callbacks' | 'me' | 'bulletins' | 'alarms'

/** The field by which a row of each kind is known. */
export const KEYS: Record<Kind, string> = {
  agents: 'id',
  calls: 'id',
  queues: 'name',
  modes: 'scope',
  figures: 'scope',
  callbacks: 'id',
  me: 'key',
  bulletins: 'id',
  alarms: 'id',
}
export const KINDS = Object.keys(KEYS) as Kind[]

/** Kinds that are told when a row changes, and of which nobody keeps all rows: those that are open are too many. */
export type Passing = 'tickets'

export interface Change {
  at: string
  rows?: Partial<Record<Kind | Passing, Row[]>>
  gone?: Partial<Record<Kind | Passing, (string | number)[]>>
}

export type Rows = Record<Kind, Map<string, Row>>

export function noRows(): Rows {
  return Object.fromEntries(KINDS.map((kind) => [kind, new Map()])) as Rows
}

/** The key of a row of this kind. The one row of `me` needs none. */
export function keyOf(kind: Kind, row: Row): string {
  return kind === 'me' ? 'me' : String(row[KEYS[kind]])
}

/** Play a change into the rows; the kinds that it touched. A snapshot replaces every kind. */
export function play(rows: Rows, change: Change, snapshot: boolean): Set<Kind> {
  const touched = new Set<Kind>()
  if (snapshot) {
    for (const kind of KINDS) {
      rows[kind] = new Map()
      touched.add(kind)
    }
  }
  for (const kind of KINDS) {
    for (const row of change.rows?.[kind] ?? []) {
      rows[kind].set(keyOf(kind, row), row)
      touched.add(kind)
    }
    for (const key of change.gone?.[kind] ?? []) {
      if (rows[kind].delete(String(key))) touched.add(kind)
    }
  }
  return touched
}

/** All rows as one snapshot, for a tab that has just come. */
export function snapshotOf(rows: Rows, at: string): Change {
  return { at, rows: Object.fromEntries(KINDS.map((kind) => [kind, [...rows[kind].values()]])) }
}
