/**
 * A caller's phone in the page: it dials the hotline through the server, sends keys and hears what a caller hears.
 *
 * Its secret is of this sign-in and for an hour; its calls come in as those of the public do.
 */
import { computed, ref, shallowRef } from 'vue'

import { api, asProblem, type components, done, Problem } from '@/api'

type Guest = components['schemas']['GuestPhone']
export type CallerState = 'idle' | 'dialling' | 'talking' | 'over'

interface Session {
  terminate(): void
  sendDTMF(key: string, options: Record<string, unknown>): void
  isEnded(): boolean
  on(event: string, done: (event: { cause?: string }) => void): void
  connection: RTCPeerConnection | null
}

/** The phone, once for the page. */
export function useCaller() {
  const state = ref<CallerState>('idle')
  const number = ref('')
  const why = ref('')
  const pressed = ref('')
  const since = ref<string | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const sound = new Audio()
  sound.autoplay = true
  let ua: { start(): void; stop(): void; call(target: string, options: Record<string, unknown>): Session } | null = null
  let session: Session | null = null
  let given: Guest | null = null

  async function open(): Promise<Guest> {
    if (given && Date.parse(given.expires_at) > Date.now() + 60_000 && ua) return given
    ua?.stop()
    given = (await done(api.POST('/api/v1/phone/try'))) as Guest
    number.value = given.number
    const { default: JsSIP } = await import('jssip')
    JsSIP.debug.disable()
    const address = new URL(given.url, location.href)
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:'
    const made = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(address.href)],
      uri: given.uri,
      authorization_user: given.user,
      realm: given.realm,
      ha1: given.ha1,
      register: false,
      session_timers: false,
    })
    await new Promise<void>((connected, failed) => {
      made.once('connected', () => connected())
      made.once('disconnected', () => failed(new Problem('network', 0, '')))
      made.start()
    })
    ua = made as unknown as typeof ua
    return given
  }

  async function dial(): Promise<void> {
    if (session && !session.isEnded()) return
    state.value = 'dialling'
    why.value = pressed.value = ''
    problem.value = null
    try {
      const microphone = await navigator.mediaDevices.getUserMedia({ audio: true })
      const guest = await open()
      const made = ua!.call(`sip:${guest.dial}@${guest.realm}`, { mediaStream: microphone, pcConfig: { iceServers: guest.ice } })
      session = made
      made.connection?.addEventListener('track', (event) => {
        sound.srcObject = event.streams[0] ?? new MediaStream([event.track])
        void sound.play().catch(() => undefined)
      })
      const over = (event: { cause?: string }): void => {
        microphone.getTracks().forEach((track) => track.stop())
        sound.srcObject = null
        state.value = 'over'
        since.value = null
        why.value = event.cause ?? ''
      }
      made.on('accepted', () => {
        state.value = 'talking'
        since.value = new Date().toISOString()
      })
      made.on('ended', over)
      made.on('failed', over)
    } catch (error) {
      state.value = 'idle'
      problem.value = error instanceof DOMException ? new Problem('microphone', 0, error.message) : asProblem(error)
    }
  }

  function press(key: string): void {
    if (state.value !== 'talking' || !session) return
    pressed.value += key
    session.sendDTMF(key, { transportType: 'RFC2833', duration: 120, interToneGap: 80 })
  }

  function hangup(): void {
    if (session && !session.isEnded()) session.terminate()
  }

  /** The page goes: the call ends, and the phone is put away. */
  function close(): void {
    hangup()
    ua?.stop()
    ua = null
    if (given) void api.DELETE('/api/v1/phone/try').catch(() => undefined)
    given = null
  }

  return { state, number, why, pressed, since, problem, active: computed(() => state.value === 'dialling' || state.value === 'talking'), dial, press, hangup, close }
}
