/** Words of the page admin. */
export default {
  title: '管理',
}
