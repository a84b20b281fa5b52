/** Words of the page tickets. */
export default {
  title: '工单',
}
