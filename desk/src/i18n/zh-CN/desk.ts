/** Words of the page desk. */
export default {
  title: '工作台',
}
