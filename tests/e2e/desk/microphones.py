"""What pages' telephones say and hear: a microphone of one tone that fails as real ones do, and others' levels."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from playwright.async_api import BrowserContext, Page

from softphone.audio import RATE, tone_level
from softphone.call import Call

ABOVE, BELOW = -45.0, -60.0
"""dBFS: a tone that is heard is above the one, and a tone that is not is below the other."""
HOLDS = 0.5
"""Seconds for which what is heard must be so."""
_MICROPHONE = """
(() => {
  const own = (window.microphone = {hertz: %d, refused: '', track: null, level: null})
  if (!navigator.mediaDevices) return
  navigator.mediaDevices.getUserMedia = async () => {
    if (own.refused) throw new DOMException('not to be had', own.refused)
    own.audio ??= new AudioContext()
    const tone = own.audio.createOscillator()
    const out = own.audio.createMediaStreamDestination()
    own.level = own.audio.createGain()
    own.level.gain.value = 0.3
    tone.frequency.value = own.hertz
    tone.connect(own.level).connect(out)
    tone.start()
    own.track = out.stream.getAudioTracks()[0]
    return out.stream
  }
})()
"""
_LEVELS = """
(tones) => {
  const element = document.querySelector('[data-testid=phone-sound]')
  if (!element?.srcObject) return tones.map(() => -200)
  if (window.heard?.stream !== element.srcObject) {
    const audio = (window.hearing ??= new AudioContext())
    const analyser = audio.createAnalyser()
    analyser.fftSize = 16384
    analyser.smoothingTimeConstant = 0
    audio.createMediaStreamSource(element.srcObject).connect(analyser)
    window.heard = {stream: element.srcObject, analyser, step: audio.sampleRate / analyser.fftSize}
  }
  const {analyser, step} = window.heard
  const spectrum = new Float32Array(analyser.frequencyBinCount)
  analyser.getFloatFrequencyData(spectrum)
  const near = (hertz) => spectrum.slice(Math.floor((hertz - 15) / step), Math.ceil((hertz + 15) / step))
  return tones.map((hertz) => Math.max(-200, ...near(hertz)))
}
"""
UNPLUGGED = """
() => {
  window.microphone.refused = 'NotFoundError'
  window.microphone.track.dispatchEvent(new Event('ended'))
}
"""
PLUGGED_IN = """
() => {
  window.microphone.refused = ''
  navigator.mediaDevices.dispatchEvent(new Event('devicechange'))
}
"""
SILENT = "() => { window.microphone.level.gain.value = 0 }"
SPEAKS = "() => { window.microphone.level.gain.value = 0.3 }"


async def give_microphone(context: BrowserContext, hertz: int) -> None:
    """Every page of this context says a tone from now on."""
    await context.add_init_script(_MICROPHONE % hertz)


async def page_hears(page: Page, tones: list[int], none_of: list[int], within: float = 15) -> None:
    """Wait until the page's telephone plays all of these tones, and none of the others, for a while."""
    asked = [*tones, *none_of]
    await _holds(lambda: page.evaluate(_LEVELS, asked), len(tones), within, f"the page hears of {asked}")


async def caller_hears(call: Call, tones: list[int], none_of: list[int], within: float = 15) -> None:
    """The same of a caller."""
    asked = [*tones, *none_of]

    async def levels() -> list[float]:
        return [tone_level(call.rtp.samples()[-RATE // 4 :], each) for each in asked]

    await _holds(levels, len(tones), within, f"the caller hears of {asked}")


async def _holds(levels: Callable[[], Awaitable[list[float]]], heard: int, within: float, what: str) -> None:
    clock = asyncio.get_running_loop().time
    end, since = clock() + within, None
    while True:
        found = await levels()
        right = all(each > ABOVE for each in found[:heard]) and all(each < BELOW for each in found[heard:])
        since = (since or clock()) if right else None
        if since is not None and clock() - since >= HOLDS:
            return
        assert clock() < end, f"{what}: {[round(each) for each in found]} dB"
        await asyncio.sleep(0.1)
