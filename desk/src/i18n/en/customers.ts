/** Words of the page customers. */
export default {
  title: 'Customers',
}
