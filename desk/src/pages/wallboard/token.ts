/**
 * The wallboard's own right to read: a person's session, or a token of scope `wallboard.read`.
 *
 * A screen on a wall has nobody who signs in. Its address carries the token after `#`, which no browser sends to a server
 * and no log keeps; the page takes it out of the address and keeps it for this tab.
 */
import { onBeforeUnmount, onMounted, ref } from 'vue'

import { useStream } from '@/stream'

const KEPT = 'sansheng.wallboard'
const PATH = '/api/v1/stream?only=queues,figures,modes'

/** The token in an address like `/wallboard#token=…`; empty without one. */
export function tokenIn(hash: string): string {
  return new URLSearchParams(hash.replace(/^#/, '')).get('token') ?? ''
}

function taken(): string {
  const given = tokenIn(location.hash)
  if (given) {
    sessionStorage.setItem(KEPT, given)
    history.replaceState(history.state, '', location.pathname + location.search)
  }
  return given || (sessionStorage.getItem(KEPT) ?? '')
}

/** Listen while the page is open. `refused`: the server gives neither the token nor the session anything. */
export function useWallboard() {
  const stream = useStream()
  const refused = ref(false)
  const ended = new AbortController()

  async function read(token: string): Promise<void> {
    let pause = 500
    while (!ended.signal.aborted) {
      try {
        const answer = await fetch(PATH, { headers: { Authorization: `Bearer ${token}` }, signal: ended.signal, cache: 'no-store' })
        refused.value = answer.status === 401 || answer.status === 403
        if (answer.ok && answer.body) {
          pause = 500
          stream.light = 'live'
          await events(answer.body, (event, data) => {
            if (event === 'snapshot' || event === 'rows') stream.take(JSON.parse(data), event === 'snapshot')
          })
        }
      } catch {
        if (ended.signal.aborted) return
      }
      stream.light = 'lost'
      await new Promise((go) => setTimeout(go, pause))
      pause = Math.min(pause * 2, 10_000)
    }
  }

  onMounted(() => {
    const token = taken()
    if (token) void read(token)
    else stream.start(() => (refused.value = true), PATH)
  })
  onBeforeUnmount(() => {
    ended.abort()
    stream.stop()
  })
  return { refused }
}

/** Read server-sent events off a body until it ends. */
export async function events(body: ReadableStream<Uint8Array>, take: (event: string, data: string) => void): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader()
  let text = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    text += value
    const whole = text.split('\n\n')
    text = whole.pop()!
    for (const each of whole) {
      const lines = each.split('\n')
      const field = (name: string): string => lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2)).join('\n')
      if (field('data')) take(field('event'), field('data'))
    }
  }
}
