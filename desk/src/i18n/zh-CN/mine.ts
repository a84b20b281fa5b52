/** Words of the page mine. */
export default {
  title: '我的',
}
