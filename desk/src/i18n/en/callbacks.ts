/** Words of the page callbacks. */
export default {
  title: 'Callbacks',
}
