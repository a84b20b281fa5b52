/** Words of the page floor. */
export default {
  title: '现场',
}
