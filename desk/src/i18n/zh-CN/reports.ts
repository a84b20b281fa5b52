/** Words of the page reports. */
export default {
  title: '报表',
}
