/** Words of the page mine. */
export default {
  title: 'Mine',
}
