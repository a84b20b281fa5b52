import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { api, done, ifMatch, newKey, onUnauthorised, once, Problem, raw, setCsrf } from '.'

type Answer = () => Response | Promise<Response>
const asked: { url: string; method: string; headers: Headers; body: string }[] = []
let answers: Answer[] = []

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(body === null ? null : JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } })
const problem = (status: number, name: string, more: object = {}): Response =>
  json(status, { type: `/problems/${name}`, title: 'No', status, detail: 'a sentence', ...more }, { 'Retry-After': '3' })

const refused = (asking: Promise<unknown>): Promise<Problem> => asking.then(() => Promise.reject(new Error('it was done')), (error: Problem) => error)

beforeEach(() => {
  asked.length = 0
  answers = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const body = init.body ? new TextDecoder().decode(init.body as ArrayBuffer) : ''
    asked.push({ url: String(url), method: init.method ?? 'GET', headers: new Headers(init.headers), body })
    return answers.shift()!()
  })
})

afterEach(() => {
  vi.unstubAllGlobals()
  setCsrf('')
  onUnauthorised(null)
})

describe('a request', () => {
  it('carries the token against forged requests where it changes something, and nowhere else', async () => {
    setCsrf('a token')
    answers = [() => json(200, { items: [] }), () => json(204, null)]
    await done(api.GET('/api/v1/agents'))
    await raw('/api/v1/tickets', { method: 'POST', json: { a: 1 }, headers: { ...once('k'), ...ifMatch('"7"') } })
    expect(asked.map(({ headers }) => headers.get('X-CSRF-Token'))).toEqual([null, 'a token'])
    expect([asked[1]!.headers.get('Idempotency-Key'), asked[1]!.headers.get('If-Match'), asked[1]!.body]).toEqual(['k', '"7"', '{"a":1}'])
  })

  it('that is refused is a problem in words, with what is wrong with each field', async () => {
    answers = [() => problem(412, 'changed'), () => problem(422, 'invalid-request', { errors: [{ where: 'body.name', sentence: 'is missing' }] })]
    const changed = await refused(done(api.GET('/api/v1/agents')))
    expect(changed).toBeInstanceOf(Problem)
    expect([changed.kind, changed.words, changed.detail, changed.retryAfter]).toEqual(['changed', '别人刚刚改过，请先看新的内容', 'a sentence', 3])
    const wrong = await refused(raw('/api/v1/agents'))
    expect(wrong.fields).toEqual({ name: 'is missing' })
  })

  it('that never arrived says so', async () => {
    answers = [() => Promise.reject(new TypeError('Failed to fetch')), () => Promise.reject(new TypeError('Failed to fetch'))]
    for (const ask of [() => done(api.GET('/api/v1/agents')), () => raw('/api/v1/agents')]) {
      const lost = await refused(ask() as Promise<unknown>)
      expect([lost.kind, lost.words]).toEqual(['network', '连不上服务器，请检查网络后再试'])
    }
  })

  it('without a session waits for a sign-in and is sent again, with its body and the new token', async () => {
    let signedIn!: (again: boolean) => void
    onUnauthorised(() => new Promise((go) => (signedIn = go)))
    answers = [() => problem(401, 'not-authenticated'), () => json(201, { id: 3 })]
    const sent = raw<{ id: number }>('/api/v1/tickets', { method: 'POST', json: { note: 'typed for an hour' } })
    await vi.waitFor(() => expect(signedIn).toBeTypeOf('function'))
    setCsrf('new')
    signedIn(true)
    expect((await sent).id).toBe(3)
    expect(asked.map(({ body }) => body)).toEqual(Array(2).fill('{"note":"typed for an hour"}'))
    expect(asked[1]!.headers.get('X-CSRF-Token')).toBe('new')
  })

  it('to the session itself is not sent again', async () => {
    onUnauthorised(() => Promise.reject(new Error('nobody asks')))
    answers = [() => problem(401, 'wrong-sign-in')]
    const wrong = await refused(raw('/api/v1/session', { method: 'POST', json: {} }))
    expect(wrong.words).toBe('用户名或密码不对')
  })

  it('has a key of its own', () => {
    expect(newKey()).toMatch(/^[0-9a-f]{32}$/)
    expect(newKey()).not.toBe(newKey())
  })
})
