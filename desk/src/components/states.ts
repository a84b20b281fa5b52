/** How each state looks: an icon and a tone beside its word, so that nothing is said by colour alone. */
import {
  Bell, CircleCheck, Clock, CoffeeCup, EditPen, Grid, Headset, MoreFilled, Phone, Remove, Star, SwitchButton, TopRight, VideoPause, WarningFilled,
} from '@element-plus/icons-vue'
import type { Component } from 'vue'

export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'idle'

export interface Look {
  icon: Component
  tone: Tone
}

/** Statuses and states of agents and calls, by the words that the server uses. */
export const LOOKS: Record<string, Look> = {
  signed_out: { icon: SwitchButton, tone: 'idle' },
  occupied: { icon: Phone, tone: 'busy' },
  reserved: { icon: Bell, tone: 'busy' },
  ivr: { icon: Grid, tone: 'idle' },
  outside: { icon: TopRight, tone: 'busy' },
  survey: { icon: Star, tone: 'idle' },
  offline: { icon: SwitchButton, tone: 'idle' },
  available: { icon: CircleCheck, tone: 'good' },
  busy: { icon: Remove, tone: 'warn' },
  break: { icon: CoffeeCup, tone: 'warn' },
  idle: { icon: CircleCheck, tone: 'good' },
  ringing: { icon: Bell, tone: 'busy' },
  talking: { icon: Headset, tone: 'busy' },
  dialling: { icon: Phone, tone: 'busy' },
  on_hold: { icon: VideoPause, tone: 'warn' },
  wrap_up: { icon: EditPen, tone: 'warn' },
  waiting: { icon: Clock, tone: 'warn' },
  unreachable: { icon: WarningFilled, tone: 'bad' },
  unknown: { icon: MoreFilled, tone: 'idle' },
}

/** The state's name as the tables have it: `wrap-up`, `on call` and `WRAP_UP` are spelled one way. */
export function stateName(state: string | null | undefined): string {
  const name = (state ?? '').toLowerCase().replace(/[\s-]+/g, '_')
  const other: Record<string, string> = { on_call: 'talking', held: 'on_hold', hold: 'on_hold', offered: 'ringing', queued: 'waiting' }
  const found = other[name] ?? name
  return found in LOOKS ? found : 'unknown'
}
