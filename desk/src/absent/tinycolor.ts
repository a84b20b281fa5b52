/** Element Plus makes the shades of a button's own colour by it; no button here has one. */
export class TinyColor {
  constructor() {
    throw new Error('a button with a colour of its own needs @ctrl/tinycolor: take its alias out of vite.config.ts')
  }
}
