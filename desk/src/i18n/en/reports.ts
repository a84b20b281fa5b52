/** Words of the page reports. */
export default {
  title: 'Reports',
}
