/** Element Plus checks the rules of a form by it; forms here have none: the server says what is wrong. */
export default class Schema {
  constructor() {
    throw new Error('a form with rules needs async-validator: take its alias out of vite.config.ts')
  }
}
