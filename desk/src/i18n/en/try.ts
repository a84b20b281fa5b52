/** Words of the page try. */
export default {
  title: 'Try it',
}
