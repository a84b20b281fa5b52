/**
 * The microphone: asked for once, kept open, so that a call has sound at once. It says in one word what is wrong with it.
 *
 * `refused`: the person or the system does not allow it. `missing`: there is none. `used`: another program holds it.
 * `insecure`: the page came by plain http from another machine, where browsers give none. `unplugged`: it went away.
 */
import { ref, shallowRef } from 'vue'

export type Trouble = '' | 'refused' | 'missing' | 'used' | 'insecure' | 'unplugged'

const KEPT = 'sansheng.devices'
/** A level below this is digital silence: an open microphone always has some noise. */
const SILENT = 0.0005

interface Kept {
  input?: string
  output?: string
}

function kept(): Kept {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? '{}') as Kept
  } catch {
    return {}
  }
}

/** What an error of `getUserMedia` means. */
export function troubleOf(error: unknown): Trouble {
  const name = error instanceof Error ? error.name : ''
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'refused'
  if (name === 'NotReadableError' || name === 'AbortError') return 'used'
  return 'missing'
}

export const trouble = ref<Trouble>('')
export const inputs = shallowRef<MediaDeviceInfo[]>([])
export const outputs = shallowRef<MediaDeviceInfo[]>([])
export const input = ref(kept().input ?? '')
export const output = ref(kept().output ?? '')
/** The level now, from 0 to 1, while somebody measures. */
export const level = ref(0)

let stream: MediaStream | null = null
let audio: AudioContext | null = null
let analyser: AnalyserNode | null = null
let replaced: ((track: MediaStreamTrack) => void) | null = null

/** The page's one audio context; made at the first use, since browsers want a click before it. */
export function sound(): AudioContext {
  audio ??= new AudioContext()
  if (audio.state === 'suspended') void audio.resume().catch(() => undefined)
  return audio
}

function remember(): void {
  try {
    localStorage.setItem(KEPT, JSON.stringify({ input: input.value, output: output.value }))
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

async function list(): Promise<void> {
  const all = await navigator.mediaDevices.enumerateDevices()
  inputs.value = all.filter(({ kind, deviceId }) => kind === 'audioinput' && deviceId)
  outputs.value = all.filter(({ kind, deviceId }) => kind === 'audiooutput' && deviceId)
}

/** Who is told of another track of the microphone: a call that goes on changes over to it. */
export function onReplaced(told: typeof replaced): void {
  replaced = told
}

/** The open microphone; null with `trouble` set. `chosen` takes another device. */
export async function open(chosen?: string): Promise<MediaStream | null> {
  if (chosen !== undefined) input.value = chosen
  else if (stream?.getAudioTracks()[0]?.readyState === 'live') return stream
  if (!navigator.mediaDevices) {
    trouble.value = 'insecure'
    return null
  }
  const wanted = (device: string): MediaStreamConstraints => ({
    audio: {
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
      ...(device ? { deviceId: { exact: device } } : {}),
    },
  })
  try {
    let next: MediaStream
    try {
      next = await navigator.mediaDevices.getUserMedia(wanted(input.value))
    } catch (error) {
      // The headset of yesterday may not be here today: any other one is better than none.
      if (!input.value || chosen !== undefined || troubleOf(error) === 'refused') throw error
      next = await navigator.mediaDevices.getUserMedia(wanted(''))
    }
    for (const track of stream?.getTracks() ?? []) track.stop()
    stream = next
    trouble.value = ''
    const track = next.getAudioTracks()[0]!
    track.addEventListener('ended', unplugged)
    remember()
    measure()
    replaced?.(track)
    await list()
    return next
  } catch (error) {
    trouble.value = troubleOf(error)
    return null
  }
}

/** The device is gone: another one is taken, if there is one. */
async function unplugged(): Promise<void> {
  trouble.value = 'unplugged'
  stream = null
  analyser = null
  if (await open()) return
  trouble.value = 'unplugged'
}

function measure(): void {
  if (!stream) return
  const context = sound()
  analyser = context.createAnalyser()
  analyser.fftSize = 1024
  context.createMediaStreamSource(stream).connect(analyser)
}

/** Look at the level once; true when there is any sound at all. */
export function look(): boolean {
  if (!analyser) return false
  const samples = new Float32Array(analyser.fftSize)
  analyser.getFloatTimeDomainData(samples)
  let peak = 0
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample))
  level.value = Math.min(1, peak)
  return peak > SILENT || audio?.state !== 'running'
}

/** Let go of the microphone: the browser's red dot goes out. */
export function close(): void {
  for (const track of stream?.getTracks() ?? []) track.stop()
  stream = null
  analyser = null
  level.value = 0
}

/** Hear what is said into the microphone, a second later: whether headset and microphone work, without a call. */
export async function echo(): Promise<() => void> {
  const open_ = await open()
  if (!open_) return () => undefined
  const context = sound()
  const source = context.createMediaStreamSource(open_)
  const delay = context.createDelay(2)
  delay.delayTime.value = 1
  source.connect(delay).connect(context.destination)
  return () => {
    source.disconnect()
    delay.disconnect()
  }
}

/** Send a call's sound to the chosen loudspeaker, where the browser can. */
export async function play(element: HTMLAudioElement): Promise<void> {
  const sink = element as HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> }
  if (output.value && sink.setSinkId) await sink.setSinkId(output.value).catch(() => (output.value = ''))
  await element.play().catch(() => undefined)
}

export function chooseOutput(device: string): void {
  output.value = device
  remember()
}

let watching = false

/** Follow devices that come and go. */
export function watchDevices(): void {
  if (watching || !navigator.mediaDevices) return
  watching = true
  navigator.mediaDevices.addEventListener('devicechange', async () => {
    await list().catch(() => undefined)
    if (trouble.value === 'unplugged' || trouble.value === 'missing') await open()
  })
}
