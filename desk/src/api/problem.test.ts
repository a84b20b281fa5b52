import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { afterEach, describe, expect, it } from 'vitest'

import { i18n, setLanguage } from '@/i18n'
import { firstWords } from '@/testing/server'

import { Problem } from './problem'

/** The kinds that the server explains, as its documentation lists them. */
const KINDS = [...readFileSync(resolve(process.cwd(), '../docs/problems.md'), 'utf-8').matchAll(/^\| `\/problems\/([\w-]+)` \| (\d+) /gm)].map(([, name, status]) => ({ name: name!, status: Number(status) }))

afterEach(() => setLanguage('zh-CN'))

describe('a refusal', () => {
  it('of every kind that the server knows has a headline and says what to do, in Chinese and in English', async () => {
    expect(KINDS.length).toBeGreaterThan(25)
    for (const language of ['zh-CN', 'en'] as const) {
      await setLanguage(language)
      const without = KINDS.filter(({ name }) => !i18n.global.te(`problems.${name}`) || !i18n.global.te(`problems.advice.${name}`))
      expect([language, without.map(({ name }) => name)]).toEqual([language, []])
      const said = KINDS.map(({ name, status }) => new Problem(name, status, '').line)
      expect(said.filter((line) => /\p{Script=Han}/u.test(line) !== (language === 'zh-CN'))).toEqual([])
    }
  })

  it('is said in the words of the page, with the sentence of the server after them', async () => {
    await setLanguage('zh-CN')
    const refused = new Problem('conflict', 409, 'call 7 is over, or never was')
    expect([refused.words, refused.advice]).toEqual(['现在不能这样做', '情况刚刚变了，什么都没有改动。请看现在的状态再决定。'])
    expect(refused.line).toBe('现在不能这样做：情况刚刚变了，什么都没有改动。请看现在的状态再决定。（call 7 is over, or never was）')
    await setLanguage('en')
    expect(refused.line).toBe('This cannot be done now: call 7 is over, or never was')
  })

  it('of a value says which one, where the server names it in one word', async () => {
    await setLanguage('zh-CN')
    expect(new Problem('invalid-value', 422, 'x', { reason: 'foreign' }).advice).toBe('境外号码不能回呼。')
    const reasons = firstWords('Invalid')
    expect(reasons.length).toBeGreaterThan(25)
    for (const language of ['zh-CN', 'en'] as const) {
      await setLanguage(language)
      expect([language, reasons.filter((reason) => !i18n.global.te(`problems.reason.${reason}`))]).toEqual([language, []])
    }
    await setLanguage('zh-CN')
    expect(new Problem('invalid-value', 422, 'x', { reason: 'magic' }).advice).toBe('请改成可以用的值，再提交一次。')
  })

  it('of a kind that nobody has words for is the server\'s own', async () => {
    await setLanguage('zh-CN')
    expect(new Problem('status-418', 418, 'a teapot', { title: 'Teapot' }).line).toBe('Teapot：a teapot')
    expect(new Problem('invalid-request', 0, '请选择派给哪个部门').line).toBe('有内容需要改正：请选择派给哪个部门')
  })
})
