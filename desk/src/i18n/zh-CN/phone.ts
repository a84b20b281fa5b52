/** Words of the phone. */
export default {
  title: '电话',
}
