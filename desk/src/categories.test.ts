import { afterEach, describe, expect, it } from 'vitest'

import { setLanguage } from '@/i18n'
import { named } from '@/i18n/named'

import { categories, isRetired, offeredCategories } from './categories'

const row = (name: string, zh: string, en: string, more: { under?: string; retired?: boolean } = {}) => ({ name, label: { 'zh-CN': zh, en }, under: more.under ?? null, retired: more.retired ?? false })

afterEach(async () => {
  categories.value = []
  await setLanguage('zh-CN')
})

describe('a category', () => {
  it('has the words that the operator gave it, after those of the one that it is under', async () => {
    categories.value = [row('process', '流程', 'Processes'), row('refund', '退款慢', 'Slow refund', { under: 'process' })]
    expect([named('category', 'process'), named('category', 'refund')]).toEqual(['流程', '流程 · 退款慢'])
    await setLanguage('en')
    expect(named('category', 'refund')).toBe('Processes · Slow refund')
  })

  it('that the operator does not have is shown by the words of the product, or by its name', () => {
    expect([named('category', 'attitude'), named('category', 'odd')]).toEqual(['服务态度', 'odd'])
  })

  it('that is retired keeps its words, and is offered no more; nor is what is under it', () => {
    categories.value = [row('process', '流程', 'P', { retired: true }), row('refund', '退款慢', 'R', { under: 'process' }), row('usage', '使用', 'U')]
    expect(offeredCategories.value).toEqual(['usage'])
    expect([isRetired('process'), isRetired('refund'), isRetired('odd')]).toEqual([true, true, false])
    expect(named('category', 'process')).toBe('流程')
  })
})
