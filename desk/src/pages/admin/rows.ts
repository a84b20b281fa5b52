/**
 * Lists of tables and tables of names, as rows with a cell for each key: what an overflow, a relaxation, an exception of the
 * calendar or a training's gate may hold. A key that is not known here stays as it is.
 */
import { today } from '@/i18n/zone'

export type Cell = 'number' | 'text' | 'date' | 'texts' | 'skills' | 'choice' | 'flag'

export interface Column {
  key: string
  cell: Cell
  /** Of a choice: the words that are offered besides the names. */
  choices?: string[]
  /** Of a choice: names that are offered too. */
  names?: 'queues' | 'skills'
  /** Of a choice: the names of the other rows that have none in this cell. */
  rows?: true
  /** Of an overflow: which of the keys this row has; each row has just one of them. */
  oneOf?: string[]
  /** By which name its words are found, if not by the key. */
  title?: string
  /** A new row has none. */
  optional?: true
}

export type RowValue = Record<string, unknown>

const GRADES = ['general', 'serious', 'critical']
/** A list of tables by the last part of its key. */
export const LISTS: Record<string, Column[]> = {
  relax: [{ key: 'after', cell: 'number' }, { key: 'required', cell: 'skills' }, { key: 'preferred', cell: 'skills' }],
  overflow: [
    { key: 'when', cell: 'number', oneOf: ['after', 'above', 'hopeless'] },
    { key: 'to', cell: 'choice', choices: ['callback', 'message', 'goodbye'], names: 'queues' },
    { key: 'required', cell: 'skills' },
    { key: 'preferred', cell: 'skills' },
  ],
  exceptions: [{ key: 'date', cell: 'date' }, { key: 'to', cell: 'date', optional: true, title: 'until' }, { key: 'hours', cell: 'texts' }, { key: 'name', cell: 'text' }],
}
/** A table of names by its whole key: what stands under each name. */
export const TABLES: Record<string, Column> = {
  'tickets.raise.business': { key: 'value', cell: 'choice', choices: GRADES },
  'tickets.raise.categories': { key: 'value', cell: 'choice', choices: GRADES },
  'quality.training.gates': { key: 'value', cell: 'choice', names: 'skills' },
  'ticket_mails.departments': { key: 'value', cell: 'texts' },
  'ticket_mails.teams': { key: 'value', cell: 'texts' },
  'ticket_mails.levels': { key: 'value', cell: 'texts' },
}

/** A table of tables by its key: each row has a name, and these keys. */
export const NAMED: Record<string, Column[]> = {
  breaks: [{ key: 'zh', cell: 'text' }, { key: 'en', cell: 'text' }, { key: 'key', cell: 'text' }, { key: 'limit', cell: 'number' }],
  categories: [{ key: 'zh', cell: 'text' }, { key: 'en', cell: 'text' }, { key: 'under', cell: 'choice', rows: true }, { key: 'retired', cell: 'flag' }],
}

/** The rows of a table of tables, each with its name; and the table again. */
export const namedRows = (value: unknown): RowValue[] => (isTable(value) ? Object.entries(value).map(([name, row]) => ({ name, ...(isTable(row) ? row : {}) })) : [])
export const namedTable = (rows: RowValue[]): Record<string, RowValue> => Object.fromEntries(rows.map(({ name, ...row }) => [String(name), row]))
/** The rows under which this one may stand: the others that stand by themselves, unless others stand under it. */
export function mayStandUnder(rows: RowValue[], row: RowValue, key: string): string[] {
  if (rows.some((each) => each[key] === row.name)) return []
  return rows.filter((each) => each.name !== row.name && !each[key]).map((each) => String(each.name))
}

/** `complaint:5 attitude:3` of skills with their least levels. */
export const skillsText = (value: unknown): string => (isTable(value) ? Object.entries(value).map(([name, level]) => `${name}:${String(level)}`).join(' ') : '')

/** The inverse; a level that is left out is 1. Null for what cannot be read. */
export function skillsOf(text: string): Record<string, number> | null {
  const found: Record<string, number> = {}
  for (const word of text.split(/[\s,，]+/).filter(Boolean)) {
    const [name, level, more] = word.split(/[:：]/)
    const whole = level === undefined ? 1 : Number(level)
    if (!name || more !== undefined || !Number.isInteger(whole) || whole < 1 || whole > 10) return null
    found[name] = whole
  }
  return found
}

export const isTable = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Which of the keys the row has. */
export const chosenOf = (row: RowValue, column: Column): string => column.oneOf?.find((each) => each in row) ?? column.oneOf?.[0] ?? column.key

/** The row with another value in this cell; an empty one takes the key away. Keys keep their order. */
export function withCell(row: RowValue, key: string, value: unknown): RowValue {
  const empty = value === '' || value === null || value === undefined || (isTable(value) && !Object.keys(value).length)
  const rest = Object.entries(row).filter(([name]) => name !== key || !empty)
  return Object.fromEntries(empty || key in row ? rest.map(([name, old]) => [name, name === key ? value : old]) : [...rest, [key, value]])
}

/** The row with another one of the column's keys, at the same place and with the same value. */
export function withChosen(row: RowValue, column: Column, next: string): RowValue {
  const now = chosenOf(row, column)
  if (!(now in row)) return { [next]: 0, ...row }
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name === now ? next : name, value === true ? 0 : value]))
}

/** A new row: what it cannot be without. */
export function newRow(columns: Column[]): RowValue {
  const needed = columns.filter((each) => !each.optional && ['number', 'date', 'choice'].includes(each.cell))
  return Object.fromEntries(needed.map((each) => [each.oneOf?.[0] ?? each.key, each.cell === 'number' ? 0 : each.cell === 'date' ? today() : (each.choices?.[0] ?? '')]))
}

/** The rows with one moved up (-1) or down (1); the same rows where it cannot. */
export function moved<T>(rows: T[], at: number, by: number): T[] {
  const to = at + by
  if (to < 0 || to >= rows.length) return rows
  const next = [...rows]
  next.splice(to, 0, ...next.splice(at, 1))
  return next
}
