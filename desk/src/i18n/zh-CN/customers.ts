/** Words of the page customers. */
export default {
  title: '客户',
}
