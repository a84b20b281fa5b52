/** Words of the page desk. */
export default {
  title: 'Desk',
}
