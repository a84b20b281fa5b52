/** Words of the page wallboard. */
export default {
  title: '大屏',
}
