import { describe, expect, it } from 'vitest'

import { dropView, keepView, listsOf, ownViews, Pager, type Query, type Ticket, usualViews } from './views'

const ticket = (id: number): Ticket => ({ id }) as Ticket

describe('the views', () => {
  it('begin with the inbox for a department, and with what is late for the others', () => {
    expect(usualViews('department', null)[0]!.key).toBe('inbox')
    expect(usualViews('leader', null).map(({ key }) => key)).toEqual(['overdue', 'new', 'dispatched', 'working', 'resolved', 'all'])
    expect(usualViews('agent', '1001')[1]).toEqual({ key: 'mine', filters: { owner: '1001' } })
  })

  it('are kept for each person, and replaced by name', () => {
    keepView('li', 'vip', { grade: 'critical', states: [], department: '' })
    keepView('li', 'vip', { grade: 'serious' })
    expect(ownViews('li')).toEqual([{ key: 'own-vip', name: 'vip', filters: { grade: 'serious' } }])
    expect(ownViews('wang')).toEqual([])
    expect(dropView('li', 'vip')).toEqual([])
  })

  it('survive a storage that holds something else', () => {
    localStorage.setItem('sansheng.tickets.views.li', '{"a": 1}')
    expect(ownViews('li')).toEqual([])
  })
})

describe('the pages of a view', () => {
  it('have the late tickets first', () => {
    expect(listsOf({ states: ['acknowledged', 'in_progress'], department: 'it' })).toEqual([
      { department: 'it', state: 'acknowledged', overdue: 'true' },
      { department: 'it', state: 'in_progress', overdue: 'true' },
      { department: 'it', state: 'acknowledged', overdue: 'false' },
      { department: 'it', state: 'in_progress', overdue: 'false' },
    ])
    expect(listsOf({ overdue: 'true' })).toEqual([{ overdue: 'true' }])
  })

  it('go on from cursor to cursor and from list to list, each ticket once', async () => {
    const asked: Query[] = []
    const pages = [{ items: [ticket(9)], next: 'a' }, { items: [ticket(3)], next: null }, { items: [ticket(9), ticket(8)], next: 'b' }, { items: [ticket(7)], next: null }]
    const pager = new Pager({}, (query) => {
      asked.push(query)
      return Promise.resolve(pages.shift()!)
    })
    expect((await pager.next(2)).map(({ id }) => id)).toEqual([9, 3])
    expect(pager.over).toBe(false)
    expect((await pager.next(2)).map(({ id }) => id)).toEqual([8, 7])
    expect(pager.over).toBe(true)
    expect(asked.map(({ overdue, cursor }) => [overdue, cursor])).toEqual([['true', undefined], ['true', 'a'], ['false', undefined], ['false', 'b']])
  })
})
