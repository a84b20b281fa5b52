import { describe, expect, it } from 'vitest'

import { LISTS, mayStandUnder, moved, namedRows, namedTable, newRow, skillsOf, skillsText, withCell, withChosen } from './rows'

const [when] = LISTS.overflow!

describe('rows', () => {
  it('have skills as words', () => {
    expect(skillsOf('complaint:5, attitude')).toEqual({ complaint: 5, attitude: 1 })
    expect(skillsText({ complaint: 5, attitude: 1 })).toBe('complaint:5 attitude:1')
    expect([skillsOf('complaint:11'), skillsOf('complaint:x'), skillsOf(':3'), skillsOf('a:1:2'), skillsOf('')]).toEqual([null, null, null, null, {}])
  })

  it('keep the order of their keys, and those that nobody knows', () => {
    const row = { after: 60, required: { complaint: 1 }, odd: [1] }
    expect(JSON.stringify(withCell(row, 'after', 90))).toBe('{"after":90,"required":{"complaint":1},"odd":[1]}')
    expect(withCell(row, 'required', {})).toEqual({ after: 60, odd: [1] })
    expect(Object.keys(withCell(row, 'preferred', { usage: 2 }))).toEqual(['after', 'required', 'odd', 'preferred'])
  })

  it('have one of the keys of an overflow', () => {
    expect(withChosen({ hopeless: 0, to: 'callback' }, when!, 'above')).toEqual({ above: 0, to: 'callback' })
    expect(withChosen({ hopeless: true, to: 'callback' }, when!, 'after')).toEqual({ after: 0, to: 'callback' })
    expect(withChosen({ to: 'message' }, when!, 'after')).toEqual({ after: 0, to: 'message' })
    expect(newRow(LISTS.overflow!)).toEqual({ after: 0, to: 'callback' })
    expect(Object.keys(newRow(LISTS.exceptions!))).toEqual(['date'])
  })

  it('are moved within the list', () => {
    expect(moved([1, 2, 3], 2, -1)).toEqual([1, 3, 2])
    const rows = [1, 2]
    expect(moved(rows, 1, 1)).toBe(rows)
  })

  it('of a table of tables have their names, and become the table again in their order', () => {
    const table = { process: { zh: '流程', en: 'Process' }, refund: { zh: '退款慢', en: 'Slow refund', under: 'process' } }
    const rows = namedRows(table)
    expect(rows[1]).toEqual({ name: 'refund', zh: '退款慢', en: 'Slow refund', under: 'process' })
    expect(JSON.stringify(namedTable(moved(rows, 1, -1)))).toBe(JSON.stringify({ refund: table.refund, process: table.process }))
  })

  it('stand under those that stand by themselves, one deep', () => {
    const rows = [{ name: 'a' }, { name: 'b', under: 'a' }, { name: 'c' }]
    expect(rows.map((row) => mayStandUnder(rows, row, 'under'))).toEqual([[], ['a', 'c'], ['a']])
  })
})
