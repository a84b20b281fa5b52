import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { setLanguage } from '@/i18n'

import { breakLimit, breakReasons, breakWords, loadBreaks } from './breaks'

const TEA = { name: 'tea', label: { 'zh-CN': '茶歇', en: 'Tea' }, key: null, limit: 600 }

beforeEach(() => setLanguage('zh-CN'))
afterEach(() => {
  vi.unstubAllGlobals()
  breakReasons.value = []
})

describe('a reason of a break', () => {
  it('has the words that the operator gave it, in the language that is shown, and its limit', async () => {
    vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ items: [TEA] }), { headers: { 'Content-Type': 'application/json' } }))
    await loadBreaks()
    expect([breakWords('tea'), breakLimit('tea'), breakLimit('no_answer')]).toEqual(['茶歇', 600, null])
    await setLanguage('en')
    expect(breakWords('tea')).toBe('Tea')
  })

  it('of the hotline itself has the words of the product, and any other is shown as it was written', () => {
    expect([breakWords('no_answer'), breakWords('到办公室来'), breakWords('break'), breakWords('')]).toEqual(['连续未接', '到办公室来', '', ''])
  })

  it('stays known while the server does not answer', async () => {
    breakReasons.value = [TEA]
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
    await loadBreaks()
    expect(breakWords('tea')).toBe('茶歇')
  })
})
