/** Words of the phone. */
export default {
  title: 'Phone',
}
