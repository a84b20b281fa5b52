/** A state as icon and word. It is drawn by a function alone: tables have two in each row. */
import './state.css'

import { type FunctionalComponent, h } from 'vue'

import { say } from '@/i18n'

import { iconClass } from './icon'
import { LOOKS, stateName, type Tone } from './states'

const StateTag: FunctionalComponent<{
  state: string | null | undefined
  /** Words other than the state's own. */
  text?: string
  tone?: Tone
}> = ({ state, text, tone }, { slots }) => {
  const name = stateName(state)
  const look = tone ?? LOOKS[name]!.tone
  return h('span', { class: `state ${look}` }, [
    h('span', { class: `state-icon ${iconClass(LOOKS[name]!.icon, name, look)}`, 'aria-hidden': 'true' }), text ?? say(`common.state.${name}`), slots.default?.(),
  ])
}
StateTag.props = ['state', 'text', 'tone']
export default StateTag
