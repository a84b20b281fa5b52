import { afterEach, describe, expect, it, vi } from 'vitest'

import { setLanguage } from '@/i18n'

import { useQuestions } from './questions'

const question = (id: string, zh: string, en: string) => ({ id, zh, en, weight: 1, levels: 1, may_be_na: false, critical: null, cap: null, fatal: false, hint_zh: '', hint_en: '' })
const FORMS: Record<string, unknown> = {
  1: { name: 'complaint', version: 1, sections: [{ questions: [question('greet', '问候', 'Greeting'), question('old', '旧题', 'Old one')] }] },
  2: { name: 'complaint', version: 2, sections: [{ questions: [question('greet', '规范问候', 'Proper greeting')] }] },
}

afterEach(async () => {
  vi.unstubAllGlobals()
  await setLanguage('zh-CN')
})

describe('a question', () => {
  it('has the words of its version, or of the latest that has it; its id where the form is gone', async () => {
    const asked: string[] = []
    vi.stubGlobal('fetch', async (url: string) => {
      const { pathname, searchParams } = new URL(url)
      asked.push(pathname + (searchParams.get('version') ?? ''))
      const form = pathname.endsWith('/complaint') ? FORMS[searchParams.get('version') ?? '2'] : undefined
      return new Response(JSON.stringify(form ?? { type: 'not-found', title: 'x', status: 404, detail: 'gone' }), { status: form ? 200 : 404, headers: { 'Content-Type': 'application/json' } })
    })
    const { know, said } = useQuestions()
    await know([{ form: 'complaint', question: 'greet' }, { form: 'complaint', question: 'old' }, { form: 'gone', question: 'greet' }, { form: 'complaint', question: 'greet', version: 1 }])
    expect([said('complaint', 'greet'), said('complaint', 'old'), said('gone', 'greet'), said('complaint', 'greet', 1)]).toEqual(['规范问候', '旧题', 'greet', '问候'])
    await setLanguage('en')
    expect(said('complaint', 'greet')).toBe('Proper greeting')
    const before = asked.length
    await know([{ form: 'complaint', question: 'old' }])
    expect(asked.length).toBe(before)
  })
})
