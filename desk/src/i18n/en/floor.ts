/** Words of the page floor. */
export default {
  title: 'Floor',
}
