/**
 * The one way to the server: typed by its own description, with the cookie of the sign-in.
 *
 *     const { agents } = await done(api.GET('/api/v1/agents'))
 *     await done(api.POST('/api/v1/tickets', { body, headers: once() }))
 *     await done(api.PATCH('/api/v1/tickets/{number}', { params, body, headers: ifMatch(etag) }))
 *
 * `done` gives the body or throws a `Problem`. An answer of 401 asks for a new sign-in over the page, which stays as it is;
 * the request is sent again after it.
 */
import createClient, { type Middleware } from 'openapi-fetch'

import { asProblem, Problem, problemOf } from './problem'
import type { paths } from './schema'

export { asProblem, Problem } from './problem'
export type { components, paths } from './schema'

const SAFE = ['GET', 'HEAD', 'OPTIONS']
/** Milliseconds after which a request counts as lost. */
const PATIENCE = 20_000

let csrf = ''
let askToSignIn: (() => Promise<boolean>) | null = null

/** The session tells its token against forged requests; empty when nobody is signed in. */
export function setCsrf(token: string): void {
  csrf = token
}

/** The session is told of a 401 and says when somebody has signed in again (true), or not. */
export function onUnauthorised(ask: (() => Promise<boolean>) | null): void {
  askToSignIn = ask
}

/** `fetch` with what every request of the pages carries. Throws `Problem` when no answer comes. */
export async function request(input: Request | string, init?: RequestInit): Promise<Response> {
  const asked = new Request(input, init)
  const again = SAFE.includes(asked.method) || asked.body === null ? null : await asked.clone().arrayBuffer()
  const send = async (): Promise<Response> => {
    const headers = new Headers(asked.headers)
    if (!SAFE.includes(asked.method) && csrf) headers.set('X-CSRF-Token', csrf)
    const late = AbortSignal.timeout(PATIENCE)
    const signal = AbortSignal.any ? AbortSignal.any([late, asked.signal]) : late
    try {
      return await fetch(asked.url, {
        method: asked.method,
        headers,
        body: again,
        credentials: 'same-origin',
        cache: 'no-store',
        signal,
      })
    } catch (error) {
      if (asked.signal.aborted) throw error
      throw new Problem('network', 0, '')
    }
  }
  const answer = await send()
  const own = new URL(asked.url, location.href).pathname === '/api/v1/session'
  if (answer.status === 401 && !own && askToSignIn && (await askToSignIn())) return send()
  return answer
}

const told: Middleware = {
  async onResponse({ response }) {
    if (!response.ok && response.status !== 304) throw await problemOf(response)
  },
  onError({ error }) {
    return asProblem(error)
  },
}

export const api = createClient<paths>({ baseUrl: location.origin, fetch: (asked: Request) => request(asked) })
api.use(told)

/** The body of an answer, or its problem as an error. */
export async function done<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await asked
  if (error !== undefined) throw await problemOf(response)
  return data as T
}

/** The body of an answer and its version, for `ifMatch`. */
export async function versioned<T>(
  asked: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<{ value: T; etag: string }> {
  const answer = await asked
  return { value: await done(Promise.resolve(answer)), etag: answer.response.headers.get('ETag') ?? '' }
}

/** The change holds only for this version; another one answers `changed` (412). */
export const ifMatch = (etag: string): Record<string, string> => (etag ? { 'If-Match': etag } : {})

/** The request is done once, however often it is sent with this key. */
export const once = (key: string = newKey()): Record<string, string> => ({ 'Idempotency-Key': key })

/** A random key for a request that must not be done twice. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The last word of a page that is being closed: nobody waits for an answer, and the browser sends it all the same. */
export function farewell(path: string, json: unknown): void {
  const headers = { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf }
  void fetch(path, { method: 'POST', headers, body: JSON.stringify(json), credentials: 'same-origin', keepalive: true }).catch(() => undefined)
}

/** A request by path, for what the description does not know of. The body as JSON, null without one. */
export async function raw<T>(path: string, init: RequestInit & { json?: unknown } = {}): Promise<T> {
  const { json, ...rest } = init
  const headers = new Headers(rest.headers)
  if (json !== undefined) headers.set('Content-Type', 'application/json')
  const answer = await request(new URL(path, location.origin).href, {
    ...rest,
    headers,
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  })
  if (!answer.ok) throw await problemOf(answer)
  const text = await answer.text()
  return (text ? JSON.parse(text) : null) as T
}
