// A page with nothing but a telephone, as small as can be: it answers every call, and says what it hears.
import jssip from 'jssip'

const said = document.documentElement.dataset
const ask = async (method, path, body, headers = {}) => {
  const answer = await fetch(path, {
    method,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: body && JSON.stringify(body),
  })
  return answer.status === 200 ? await answer.json() : { status: answer.status }
}

const microphone = await navigator.mediaDevices.getUserMedia({
  audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
})
const ears = new AudioContext()
const analyser = ears.createAnalyser()
analyser.fftSize = 4096
analyser.smoothingTimeConstant = 0
const bins = new Float32Array(analyser.frequencyBinCount)
setInterval(() => {
  analyser.getFloatFrequencyData(bins)
  let loudest = 0
  for (let each = 1; each < bins.length; each += 1) if (bins[each] > bins[loudest]) loudest = each
  said.hz = bins[loudest] > -60 ? String(Math.round((loudest * ears.sampleRate) / analyser.fftSize)) : ''
}, 50)

const { csrf } = await ask('GET', '/api/v1/session')
const given = await ask('POST', '/api/v1/phone', { takeover: location.search === '?takeover' }, { 'X-CSRF-Token': csrf })
said.phone = given.user ?? String(given.status)
const ua = new jssip.UA({
  sockets: [new jssip.WebSocketInterface(new URL(given.url, location.href.replace(/^http/, 'ws')).href)],
  uri: given.uri,
  authorization_user: given.user,
  realm: given.realm,
  ha1: given.ha1,
  session_timers: false,
  connection_recovery_min_interval: 1,
  connection_recovery_max_interval: 2,
})
let call = null
document.addEventListener('hangup', () => call.terminate())
ua.on('connected', () => call?.isEstablished() && call.renegotiate({}, () => (said.mended = 'yes')))
ua.on('registered', () => (said.registered = String(Date.now())))
ua.on('disconnected', (event) => {
  said.registered = ''
  said.closed = String(event.code)
  if (event.code >= 4400) ua.stop()
})
ua.on('newRTCSession', ({ session, request }) => {
  call = session
  said.purpose = request.getHeader('X-Sansheng-Purpose') ?? ''
  session.on('peerconnection', ({ peerconnection }) =>
    peerconnection.addEventListener('track', ({ streams }) => {
      const audio = document.querySelector('audio')
      audio.srcObject = streams[0]
      ears.createMediaStreamSource(streams[0]).connect(analyser)
    }),
  )
  session.on('confirmed', () => (said.call = 'talking'))
  for (const end of ['ended', 'failed']) session.on(end, ({ cause }) => (said.call = `over: ${cause}`))
  session.answer({ mediaStream: microphone, pcConfig: { iceServers: [] } })
})
ua.start()
