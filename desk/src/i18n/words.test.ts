import { describe, expect, it } from 'vitest'

type Words = { [key: string]: string | Words }
const files = import.meta.glob<{ default: Words }>('./{zh-CN,en}/*.ts', { eager: true })
const sources = import.meta.glob<string>('../**/*.{vue,ts}', { eager: true, query: '?raw', import: 'default' })

function flat(words: Words, before = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, value] of Object.entries(words)) {
    const path = before ? `${before}.${key}` : key
    if (typeof value === 'string') found.set(path, value)
    else for (const [inner, text] of flat(value, path)) found.set(inner, text)
  }
  return found
}

function all(language: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const [path, file] of Object.entries(files)) {
    const [, folder, name] = /^\.\/(.+)\/(.+)\.ts$/.exec(path)!
    if (folder === language) for (const [key, text] of flat(file.default, name)) found.set(key, text)
  }
  return found
}

const chinese = all('zh-CN')
const english = all('en')
const holes = (text: string): string[] => (text.match(/\{(\w+)\}/g) ?? []).sort()

describe('the words', () => {
  it('are there in both languages', () => {
    expect([...english.keys()].filter((key) => !chinese.has(key))).toEqual([])
    expect([...chinese.keys()].filter((key) => !english.has(key))).toEqual([])
  })

  it('name the same values in both languages', () => {
    for (const [key, text] of chinese) expect([key, holes(english.get(key)!)]).toEqual([key, holes(text)])
  })

  it('are there for every key that a page names', () => {
    const missing: string[] = []
    for (const [path, source] of Object.entries(sources)) {
      if (path.includes('.test.') || path.startsWith('./')) continue
      for (const [, key] of source.matchAll(/(?:\bt|\$t|\bsay)\(\s*'([\w.-]+)'/g)) if (!chinese.has(key!)) missing.push(`${path}: ${key}`)
      // `t(`a.${b}`)`: at least one key must begin so.
      for (const [, start] of source.matchAll(/(?:\bt|\$t|\bsay)\(\s*`([\w.-]+)\$\{/g)) {
        if (![...chinese.keys()].some((key) => key.startsWith(start!))) missing.push(`${path}: ${start}…`)
      }
    }
    expect(missing).toEqual([])
  })

  it('do not leave Chinese in the English', () => {
    expect([...english].filter(([, text]) => /\p{Script=Han}/u.test(text)).map(([key]) => key)).toEqual([])
  })
})
