/** Draws what a column's `cell` gives. */
import type { FunctionalComponent, VNodeChild } from 'vue'

const Cell: FunctionalComponent<{ draw: () => VNodeChild }> = (given) => given.draw()
Cell.props = ['draw']
export default Cell
