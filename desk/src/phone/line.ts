/**
 * The SIP line of one page: registered through the server, one call at a time, mended after each break.
 *
 * Nothing of the pages is known here. `Told` is what the line says; the store `usePhone` shows it.
 */
import type { RTCSession } from 'jssip/lib/RTCSession'
import type { UA } from 'jssip/lib/UA'

/** As `POST /api/v1/phone` answers. */
export interface Given {
  user: string
  realm: string
  ha1: string
  uri: string
  url: string
  expires_at: string
  ice: RTCIceServer[]
}

export type Purpose = 'offer' | 'callback' | 'listen' | 'consult' | 'internal' | 'return' | ''

export interface LineCall {
  /** The hotline's number of the call; null for one that has none. */
  id: number | null
  purpose: Purpose
  number: string
  state: 'ringing' | 'answering' | 'talking'
  /** Milliseconds. */
  since: number
  muted: boolean
}

export interface Told {
  registered(now: boolean): void
  /** The server ended the connection: another page took the phone (4409), or it is signed off (4401). */
  ended(code: number): void
  /** Connecting failed again and again: the phone has to be asked for anew. */
  stuck(): void
  call(call: LineCall | null): void
  /** The other side's sound has come, to be played. */
  sound(stream: MediaStream): void
  /** The call could not be answered, in words of the browser. */
  failed(why: string): void
}

export const TAKEN_OVER = 4409
export const SIGNED_OFF = 4401
/** Refused connections in a row after which the line is stuck. */
const PATIENCE = 4

/** A name that stands for this page in its contact, as RFC 7118 has it. */
const randomHost = (): string => Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => (byte % 36).toString(36)).join('')

type Jssip = typeof import('jssip')

export class Line {
  private ua: UA | null = null
  private socket: { ondisconnect: unknown; disconnect(): void } | null = null
  private session: RTCSession | null = null
  private call: LineCall | null = null
  private failures = 0
  private over = false

  constructor(
    private readonly microphone: () => Promise<MediaStream | null>,
    private readonly told: Told,
  ) {}

  /** Register. The library is loaded at the first use. */
  async start(given: Given): Promise<void> {
    const { default: jssip } = (await import('jssip')) as unknown as { default: Jssip }
    if (this.over) return
    jssip.debug.disable()
    const socket = new jssip.WebSocketInterface(new URL(given.url, location.href.replace(/^http/, 'ws')).href)
    const ua = new jssip.UA({
      sockets: [socket],
      uri: given.uri,
      // What the page says within a call comes from its contact: the server lets a page speak as its own device alone.
      contact_uri: `sip:${given.user}@${randomHost()}.invalid;transport=ws`,
      authorization_user: given.user,
      realm: given.realm,
      ha1: given.ha1,
      register: true,
      register_expires: 120,
      session_timers: false,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 4,
      user_agent: 'Sansheng desk',
    })
    this.ua = ua
    this.socket = socket as unknown as typeof this.socket
    ua.on('connected', () => {
      this.failures = 0
      // What the server sent while the connection was away did not come: asking anew mends a call that went on.
      if (this.session?.isEstablished()) this.session.renegotiate()
    })
    ua.on('registered', () => this.told.registered(true))
    ua.on('unregistered', () => this.told.registered(false))
    ua.on('registrationFailed', () => this.told.registered(false))
    ua.on('disconnected', (event: { code?: number }) => {
      this.told.registered(false)
      if (this.over) return
      if (event.code === TAKEN_OVER || event.code === SIGNED_OFF) {
        this.stop()
        this.told.ended(event.code)
      } else if ((this.failures += 1) >= PATIENCE) {
        this.failures = 0
        this.told.stuck()
      }
    })
    ua.on('newRTCSession', (event: { originator: string; session: RTCSession; request: { getHeader(name: string): string | undefined } }) => {
      if (event.originator === 'remote') this.incoming(event.session, given, event.request)
    })
    ua.start()
  }

  private incoming(session: RTCSession, given: Given, request: { getHeader(name: string): string | undefined }): void {
    const header = (name: string): string => request.getHeader(`X-Sansheng-${name}`) ?? ''
    const purpose = header('Purpose') as Purpose
    const id = Number(header('Call')) || null
    if (this.session) {
      // The caller of a call that this page had before it was cut off comes back over a new one.
      if (purpose === 'return') this.drop()
      else return session.terminate({ status_code: 486 })
    }
    this.session = session
    this.show({ id, purpose, number: session.remote_identity.uri.user ?? '', state: 'ringing', since: Date.now(), muted: false })
    session.on('peerconnection', ({ peerconnection }: { peerconnection: RTCPeerConnection }) => {
      peerconnection.addEventListener('track', (event) => this.told.sound(event.streams[0] ?? new MediaStream([event.track])))
    })
    session.on('confirmed', () => this.session === session && this.show({ ...this.call!, state: 'talking', since: Date.now() }))
    const over = (): void => {
      if (this.session !== session) return
      this.session = null
      this.show(null)
    }
    session.on('ended', over)
    session.on('failed', over)
    session.on('muted', () => this.session === session && this.show({ ...this.call!, muted: true }))
    session.on('unmuted', () => this.session === session && this.show({ ...this.call!, muted: false }))
    if (header('Auto-Answer') === 'yes' || purpose === 'return') void this.answer(given.ice)
  }

  private show(call: LineCall | null): void {
    this.call = call
    this.told.call(call)
  }

  /** Take the call that rings. Without a microphone it goes on ringing. */
  async answer(ice: RTCIceServer[] = []): Promise<void> {
    const session = this.session
    if (!session || this.call?.state !== 'ringing') return
    this.show({ ...this.call, state: 'answering' })
    const stream = await this.microphone()
    if (this.session !== session) return
    if (!stream) return this.show({ ...this.call!, state: 'ringing' })
    try {
      session.answer({ mediaStream: stream, pcConfig: { iceServers: ice }, mediaConstraints: { audio: true, video: false } })
    } catch (error) {
      this.told.failed(error instanceof Error ? error.message : String(error))
      this.show({ ...this.call!, state: 'ringing' })
    }
  }

  /** End the call, or refuse it while it rings. */
  hangUp(): void {
    const ringing = this.call?.state === 'ringing'
    try {
      this.session?.terminate(ringing ? { status_code: 480 } : undefined)
    } catch {
      // It is over already.
    }
  }

  mute(muted: boolean): void {
    if (muted) this.session?.mute({ audio: true })
    else this.session?.unmute({ audio: true })
  }

  /** One key, as the telephone network hears it. */
  key(key: string): void {
    this.session?.sendDTMF(key, { transportType: 'RFC2833' as never })
  }

  /** Another microphone in the middle of a call. */
  async replace(track: MediaStreamTrack): Promise<void> {
    const sender = this.session?.connection?.getSenders().find((each) => each.track?.kind === 'audio' || !each.track)
    track.enabled = !this.call?.muted
    await sender?.replaceTrack(track).catch(() => undefined)
  }

  /** Packets of the other side that have come so far; null without a call. */
  async received(): Promise<number | null> {
    const connection = this.session?.connection
    if (!connection || this.call?.state !== 'talking') return null
    const stats = await connection.getStats()
    let packets = 0
    stats.forEach((each: { type: string; packetsReceived?: number }) => {
      if (each.type === 'inbound-rtp') packets += each.packetsReceived ?? 0
    })
    return packets
  }

  /** Forget the call without a word to the other side: the server gives it back, or has ended it. */
  private drop(): void {
    const session = this.session
    this.session = null
    session?.connection?.close()
  }

  /** Give up the line. `quiet` leaves a call alone: the line is asked for anew, or another page has it now. */
  stop(quiet = false): void {
    this.over = true
    if (quiet) {
      this.drop()
      // The library says goodbye in every call that it knows: without a connection nobody hears of it.
      this.disconnect()
    }
    this.ua?.stop()
    this.ua = null
    this.disconnect()
    this.session = null
    if (this.call) this.show(null)
  }

  private disconnect(): void {
    if (!this.socket) return
    // The library would connect anew when the server closes first.
    this.socket.ondisconnect = (): void => undefined
    this.socket.disconnect()
    this.socket = null
  }
}
