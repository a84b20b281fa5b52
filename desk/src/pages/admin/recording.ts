/** A recording by the microphone of this computer, as a WAV that the server takes. */

/** The WAV of one channel of samples from -1 to 1. */
export function wav(samples: Float32Array, rate: number): Blob {
  const view = new DataView(new ArrayBuffer(44 + samples.length * 2))
  const text = (at: number, letters: string): void => [...letters].forEach((letter, n) => view.setUint8(at + n, letter.charCodeAt(0)))
  text(0, 'RIFF')
  view.setUint32(4, 36 + samples.length * 2, true)
  text(8, 'WAVEfmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, 1, true)
  view.setUint16(22, 1, true)
  view.setUint32(24, rate, true)
  view.setUint32(28, rate * 2, true)
  view.setUint16(32, 2, true)
  view.setUint16(34, 16, true)
  text(36, 'data')
  view.setUint32(40, samples.length * 2, true)
  samples.forEach((sample, n) => view.setInt16(44 + n * 2, Math.round(Math.max(-1, Math.min(1, sample)) * 32767), true))
  return new Blob([view], { type: 'audio/wav' })
}

export interface Recording {
  /** End it; the WAV, or null when nothing was recorded. */
  stop(): Promise<Blob | null>
  cancel(): void
}

/** Begin to record. Throws when the microphone is refused or missing. */
export async function record(): Promise<Recording> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false, noiseSuppression: true } })
  const recorder = new MediaRecorder(stream)
  const pieces: Blob[] = []
  recorder.addEventListener('dataavailable', (event) => pieces.push(event.data))
  const end = new Promise<void>((over) => recorder.addEventListener('stop', () => over(), { once: true }))
  recorder.start()
  const release = (): void => stream.getTracks().forEach((track) => track.stop())
  return {
    async stop() {
      recorder.stop()
      await end
      release()
      const data = await new Blob(pieces, { type: recorder.mimeType }).arrayBuffer()
      if (!data.byteLength) return null
      const context = new AudioContext()
      try {
        const sound = await context.decodeAudioData(data)
        return wav(sound.getChannelData(0), sound.sampleRate)
      } finally {
        await context.close()
      }
    },
    cancel() {
      if (recorder.state !== 'inactive') recorder.stop()
      release()
    },
  }
}
