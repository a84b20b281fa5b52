/** A ring of two tones, made by the page: no file, no network. */
import { sound } from './microphone'

/** Begin to ring; the result ends it. */
export function ring(): () => void {
  let stopped = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const once = (): void => {
    if (stopped) return
    const context = sound()
    if (context.state === 'running') {
      const volume = context.createGain()
      volume.connect(context.destination)
      const now = context.currentTime
      volume.gain.setValueAtTime(0, now)
      for (const start of [0, 0.5]) {
        volume.gain.linearRampToValueAtTime(0.15, now + start + 0.03)
        volume.gain.setValueAtTime(0.15, now + start + 0.35)
        volume.gain.linearRampToValueAtTime(0, now + start + 0.4)
      }
      for (const hertz of [440, 554]) {
        const tone = context.createOscillator()
        tone.frequency.value = hertz
        tone.connect(volume)
        tone.start(now)
        tone.stop(now + 1)
      }
    }
    timer = setTimeout(once, 3000)
  }
  once()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}
