/** Words of the frame around the pages. */
export default {
  navigation: '页面',
  desk: '工作台',
  mine: '我的',
  floor: '现场',
  callbacks: '回呼',
  tickets: '工单',
  customers: '客户',
  knowledge: '知识库',
  qa: '质检',
  reports: '报表',
  admin: '管理',
  try: '试一试',
  light: {
    connecting: '正在连接',
    live: '实时',
    lost: '连接中断',
    lost_for: '连接中断 {time}，显示的是中断前的情况',
  },
}
