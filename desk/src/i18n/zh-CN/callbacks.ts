/** Words of the page callbacks. */
export default {
  title: '回呼',
}
