/**
 * The telephone in the page: who has it, what goes on, and what is wrong, in words.
 *
 * One tab of a browser holds the phone, under a lock; another tab, or another browser, takes it over only when asked. Mute and
 * keys are the line's; hold, transfer and help are acts of the server, so that the recording pauses with them.
 */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'

import { asProblem, farewell, Problem, raw } from '@/api'

import { type Given, Line, type LineCall, SIGNED_OFF, TAKEN_OVER } from './line'
import * as microphone from './microphone'
import { ring } from './ring'

export type { LineCall } from './line'

/**
 * `off`: not wanted here. `starting`. `ready`: registered. `lost`: being mended. `tab`: another tab has it. `page`: another
 * browser has it. `taken`: another page took it over. `mute`: there is no microphone, see `trouble`. `refused`: the server said no.
 */
export type PhoneState = 'off' | 'starting' | 'ready' | 'lost' | 'tab' | 'page' | 'taken' | 'mute' | 'refused'

const LOCK = 'sansheng-phone'
const KEPT = 'sansheng.phone'
/** Seconds without any sound after which the person is told. */
const SILENCE = 5
/** Milliseconds before a phone that could not be asked for is asked for again. */
const AGAIN = 2_000

export const usePhone = defineStore('phone', () => {
  const state = ref<PhoneState>('off')
  const problem = shallowRef<Problem | null>(null)
  const call = shallowRef<LineCall | null>(null)
  /** Nothing was heard for some seconds: `own` from this microphone, `other` from the other side. */
  const silent = ref<'' | 'own' | 'other'>('')
  const trouble = microphone.trouble

  let line: Line | null = null
  /** The id of this page's phone. */
  let id: string | null = null
  let release: (() => void) | null = null
  let wanted = false
  let again: ReturnType<typeof setTimeout> | undefined
  let watching: ReturnType<typeof setInterval> | undefined
  /** Plays the other side; it stands in the document, where a person's tools and tests can find it. */
  const element = typeof Audio === 'undefined' ? null : new Audio()
  if (element) {
    element.hidden = true
    element.dataset.testid = 'phone-sound'
    document.body.append(element)
  }

  const ringing = computed(() => call.value?.state === 'ringing')
  const inCall = computed(() => call.value !== null && call.value.state !== 'ringing')

  let stopRinging: (() => void) | null = null
  watch(ringing, (now) => {
    stopRinging?.()
    stopRinging = now ? ring() : null
  })
  watch(inCall, (now) => (now ? beginWatching() : endWatching()))
  microphone.onReplaced((track) => void line?.replace(track))

  // A page that is closed signs its phone off. In a call it does not: reloaded, it has the caller again.
  window.addEventListener('pagehide', (event) => {
    if (line && id && !call.value && !event.persisted) farewell('/api/v1/phone/off', { id })
  })

  /** Whether this person wants the phone in this browser. */
  function isWanted(): boolean {
    try {
      return localStorage.getItem(KEPT) !== 'off'
    } catch {
      return true
    }
  }

  function want(now: boolean): void {
    try {
      localStorage.setItem(KEPT, now ? 'on' : 'off')
    } catch {
      // It holds for this page.
    }
  }

  /** Have the phone here, if no other page has it; with `take` from the one that has it. */
  async function start(take = false): Promise<void> {
    if (wanted && !take && state.value !== 'mute' && state.value !== 'refused') return
    wanted = true
    want(true)
    problem.value = null
    state.value = 'starting'
    microphone.watchDevices()
    if (!navigator.locks) return begin(take)
    const hold = (): Promise<void> =>
      new Promise((done) => {
        release = done
        void begin(take)
      })
    if (release) return begin(take)
    const options: LockOptions = take ? { steal: true } : { ifAvailable: true }
    void navigator.locks
      .request(LOCK, options, (lock) => {
        if (lock) return hold()
        state.value = 'tab'
        wanted = false
        // The other tab may close: then this one has the phone.
        void navigator.locks
          .request(LOCK, () => {
            if (state.value !== 'tab') return undefined
            wanted = true
            return hold()
          })
          .catch(lostLock)
        return undefined
      })
      .catch(lostLock)
  }

  /** Another tab took the lock. */
  function lostLock(): void {
    release = null
    leave('tab')
  }

  async function begin(take: boolean): Promise<void> {
    clearTimeout(again)
    if (!(await microphone.open())) {
      state.value = 'mute'
      return
    }
    if (!wanted) return
    try {
      const given = await raw<Given>('/api/v1/phone', { method: 'POST', json: { takeover: take } })
      id = new URL(given.url, location.href).searchParams.get('id')
      line?.stop(true)
      line = new Line(() => microphone.open(), {
        registered: (now) => {
          if (now) state.value = 'ready'
          else if (state.value === 'ready') state.value = 'lost'
        },
        ended: (code) => {
          line = null
          if (code === TAKEN_OVER) leave('taken')
          else if (code === SIGNED_OFF) leave('off')
        },
        stuck: () => void begin(false),
        call: (next) => {
          call.value = next
          if (!next && element) element.srcObject = null
        },
        sound: (stream) => {
          if (!element) return
          element.srcObject = stream
          void microphone.play(element)
        },
        failed: (why) => (problem.value = new Problem('unexpected', 0, why)),
      })
      await line.start(given)
    } catch (error) {
      const found = asProblem(error)
      if (found.kind === 'phone-in-use') return leave('page')
      problem.value = found
      if (found.status === 0 || found.status === 503) {
        state.value = 'lost'
        again = setTimeout(() => void begin(take), (found.retryAfter ?? 0) * 1000 || AGAIN)
      } else {
        leave('refused')
        problem.value = found
      }
    }
  }

  function leave(next: PhoneState): void {
    clearTimeout(again)
    wanted = false
    // A call goes on at the page that has the phone now.
    line?.stop(['tab', 'page', 'taken'].includes(next))
    line = null
    call.value = null
    state.value = next
    microphone.close()
    release?.()
    release = null
  }

  /** Have no phone here: the server is told, so that it does not ring. */
  async function stop(forGood = false): Promise<void> {
    const had = line !== null
    if (forGood) want(false)
    leave('off')
    if (had) await raw('/api/v1/phone', { method: 'DELETE' }).catch(() => undefined)
  }

  function beginWatching(): void {
    endWatching()
    let own = 0
    let other = 0
    let packets = 0
    watching = setInterval(async () => {
      const heard = microphone.look()
      const received = await line?.received()
      own = heard || call.value?.muted ? 0 : own + 0.5
      other = received === null || received === undefined || received > packets ? 0 : other + 0.5
      packets = received ?? 0
      silent.value = own >= SILENCE ? 'own' : other >= SILENCE ? 'other' : ''
    }, 500)
  }

  function endWatching(): void {
    clearInterval(watching)
    silent.value = ''
  }

  return {
    state, problem, call, silent, trouble, ringing, inCall, isWanted, start, stop,
    answer: () => line?.answer(),
    hangUp: () => line?.hangUp(),
    mute: (muted: boolean) => line?.mute(muted),
    key: (key: string) => line?.key(key),
    resound: () => element && void microphone.play(element),
  }
})
