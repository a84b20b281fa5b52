/** Words of the page try. */
export default {
  title: '试一试',
}
