/**
 * Who is signed in, and what they may do.
 *
 * The sign-in is asked for over the page (see `SignIn.vue`): a session that ends in the middle of the work loses nothing
 * that was typed. What a role may do comes from the server (`acts`); the pages hide what would be refused, and decide nothing.
 */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'

import { onUnauthorised, Problem, raw, setCsrf } from '@/api'
import { categories, type Category } from '@/categories'
import { setZone } from '@/i18n/format'

export type Reach = 'own' | 'team' | 'all'

/** As `GET /api/v1/session` answers. */
export interface Session {
  user: string
  name: string
  role: string
  agent: string | null
  teams: string[]
  department?: string | null
  language: string | null
  csrf: string
  expires_at: string | null
  must_change_password: boolean
  acts: Record<string, Reach>
  sign_in: string[]
  /** The hotline's time zone. */
  zone: string
  /** What matters are sorted by, in words. */
  categories: Category[]
}

/** The same page at another server; empty for what is no address of pages. */
export function linkOf(address: string | null | undefined): string {
  if (!address || !/^https?:\/\//.test(address)) return ''
  return `${address}${location.pathname}${location.search}`
}

const PATH = '/api/v1/session'
const CHANNEL = 'sansheng-session'

export const useSession = defineStore('session', () => {
  const session = shallowRef<Session | null>(null)
  /** `unknown` until the server has been asked once. */
  const state = ref<'unknown' | 'nobody' | 'someone' | 'unreachable'>('unknown')
  /** Somebody was signed in on this page, and is not any more: the page stays under the sign-in. */
  const ended = ref(false)
  /** How people can sign in, as the server offers it. */
  const ways = ref<string[]>(['password'])
  /** The server stands by, in its own words, which name the one that leads; empty when it leads. */
  const standingBy = ref('')
  /** Where the pages of the one that leads are; empty where it is not known. */
  const leader = ref('')
  /** Why the OpenID provider's answer was refused, as the server says it once. */
  const refusal = ref('')
  const waiting: ((again: boolean) => void)[] = []
  const tabs = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(CHANNEL)

  const mustChangePassword = computed(() => session.value?.must_change_password ?? false)

  function take(next: Session): void {
    // Another person on the same page begins anew: what was typed is not theirs.
    if (session.value && session.value.user !== next.user) location.reload()
    session.value = next
    state.value = 'someone'
    ended.value = false
    if (next.sign_in?.length) ways.value = next.sign_in
    setZone(next.zone)
    categories.value = next.categories ?? []
    setCsrf(next.csrf)
    for (const go of waiting.splice(0)) go(true)
  }

  function lost(): void {
    ended.value = session.value !== null
    state.value = 'nobody'
    setCsrf('')
  }

  /** Ask the server who is signed in. */
  async function look(): Promise<void> {
    try {
      take(await raw<Session>(PATH))
    } catch (error) {
      if (error instanceof Problem && error.status === 401) {
        lost()
        const offered = await raw<{ sign_in: string[]; standing_by?: string | null; leader?: string | null; problem?: string | null; zone?: string }>(`${PATH}/ways`).catch(() => null)
        standingBy.value = offered?.standing_by ?? ''
        leader.value = linkOf(offered?.leader)
        if (offered?.problem) refusal.value = offered.problem
        if (offered?.sign_in.length) ways.value = offered.sign_in
        setZone(offered?.zone)
      } else {
        state.value = state.value === 'someone' ? 'someone' : 'unreachable'
        throw error
      }
    }
  }

  /** Throws a Problem: `wrong-sign-in`, or `too-many-attempts` with a time to wait. */
  async function signIn(user: string, password: string): Promise<void> {
    take(await raw<Session>(PATH, { method: 'POST', json: { user, password } }))
    tabs?.postMessage('changed')
  }

  async function signOut(): Promise<void> {
    await raw(PATH, { method: 'DELETE' })
    session.value = null
    lost()
    tabs?.postMessage('changed')
  }

  async function changePassword(old: string, next: string): Promise<void> {
    await raw(`${PATH}/password`, { method: 'POST', json: { old, new: next } })
    await look()
  }

  /** How far this person's act reaches; null when the role may not do it. */
  const reach = (act: string): Reach | null => session.value?.acts[act] ?? null
  const may = (...acts: string[]): boolean => acts.some((act) => reach(act) !== null)

  onUnauthorised(() => {
    lost()
    return new Promise((go) => waiting.push(go))
  })
  tabs?.addEventListener('message', () => void look().catch(() => undefined))

  return { session, state, ended, ways, standingBy, leader, refusal, mustChangePassword, look, signIn, signOut, changePassword, reach, may }
})
