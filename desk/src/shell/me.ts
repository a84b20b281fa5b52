/** The person's own row of the stream, and the acts on it. */
import { ElMessage } from 'element-plus'
import { computed } from 'vue'

import { asProblem, raw } from '@/api'
import type { components } from '@/api/schema'
import { useSession } from '@/session'
import { useStream } from '@/stream'

export type Me = components['schemas']['MeRow']
export type Pop = components['schemas']['Pop']

/** Say what went wrong at the bottom of the page. */
export function complain(error: unknown): void {
  ElMessage.error({ message: asProblem(error).line, grouping: true })
}

export function useMe() {
  const stream = useStream()
  const session = useSession()
  const me = computed(() => stream.row<Me>('me', 'me'))
  const agent = computed(() => session.session?.agent ?? '')
  const path = (rest: string): string => `/api/v1/agents/${encodeURIComponent(agent.value)}/${rest}`

  const setStatus = (status: 'available' | 'break' | 'signed_out', reason = ''): Promise<void> =>
    raw<void>(path('status'), { method: 'POST', json: { status, reason } }).catch(complain) as Promise<void>
  const extendWrapUp = (seconds = 60): Promise<void> =>
    raw<void>(path('wrap-up/extend'), { method: 'POST', json: { seconds } }).catch(complain) as Promise<void>
  const endWrapUp = (): Promise<void> => raw<void>(path('wrap-up/end'), { method: 'POST' }).catch(complain) as Promise<void>
  /** An act on the call that the person has: hold, resume, help, transfer, consult, hand-over. Throws. */
  const onCall = (act: string, json?: unknown): Promise<unknown> => {
    const call = me.value?.call
    return raw(`/api/v1/calls/${call}/${act}`, { method: 'POST', ...(json === undefined ? {} : { json }) })
  }
  return { me, agent, setStatus, extendWrapUp, endWrapUp, onCall }
}
