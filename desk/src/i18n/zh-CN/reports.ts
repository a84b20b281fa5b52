/** Words of the page reports. */
export default {
  title: '报表',
  parts: { day: '日报', week: '周报', month: '月报', range: '时段', shift: '班次', hourly: '小时表', complaints: '投诉统计', callback: '回呼', book: '交接本', exports: '导出' },
  lists: { intervals: '时段', queues: '队列', categories: '分类', agents: '坐席', teams: '班组', departments: '部门', dispatchers: '派单人', answers: '回访答复', days: '日期' },
  day: '日期', days: '日期范围', shift: '班次', interval: '时段长度', minutes: '{count} 分钟', within: '服务水平 T（秒）', repeat_days: '重复来电 N（天）', figure: '指标', chart_of: '{figure}，按时段',
  broken_down: '分解方式', formulas: '指标算法', total: '合计', belongs: '通话按来电时间归入时段，按最后到达的队列归入队列', none_named: '（无）', whole: '{category}（合计）', no_part: '{category}（未细分）',
  call: '通话', offered: '来电时间', caller: '来电号码', withheld: '隐藏号码', queue: '队列', category: '分类', agent: '坐席', outcome: '结果', satisfaction: '满意度', team: '班组', house: '全部班组', state: '状态',
  exact: '共 {count} 通，与数字一致的口径', base: '共 {count} 通，是这个指标的计算范围', rows: '由 {count} 条记录得出', not_whole: '（只显示 {count} 条）', unseen: '（其中 {count} 条不在您的权限内）', row: '记录', at: '时间', no_calls: '没有通话',
  export: '导出', export_text: '需要另一人批准，批准后 24 小时内可下载。', export_ready: '导出 {id} 可以下载', export_waits: '导出 {id} 等待批准', format: '格式', kind: '内容',
  asked_by: '申请人', asked_at: '申请时间', approve: '批准导出', refuse: '拒绝导出', download: '下载', no_exports: '没有导出',
  export_state: { waiting: '待批准', approved: '可下载', refused: '已拒绝', expired: '已过期' },
  behind: { call: '通话', ticket: '工单', round: '工单', dispatch: '派单', recording: '录音', promise: '回呼', score: '质检', time: '时段', offer: '提供回呼', attempt: '拨打', sound: '单通' },
  recording_state: { started: '录音中', closed: '已结束', missing: '缺失' },
  silent: { agent: '听不到坐席', caller: '听不到客户' },
  complaints: { complaints: '投诉', before: '上月', share: '占比', before_was: '上月 {count}' },
  promise: {
    offered: '已提供', accepted: '已接受', promised: '已承诺', connected: '已接通', kept: '已兑现', broken: '未兑现', expired: '已过期', cancelled: '已取消', open: '未结', unconfirmed: '待核实', attempts: '拨打次数', abandoned_by_us: '我方放弃',
    wait_p50: '等待 p50', wait_p90: '等待 p90', wait_max: '最长等待',
  },
  promise_formula: {
    offered: '向来电者提供回呼的次数', accepted: '来电者接受并留号的次数', promised: '期间作出的承诺', connected: '期间的承诺中已接通客户的', kept: '期间的承诺中已兑现的', broken: '期间的承诺中未兑现的', expired: '期间的承诺中过期的',
    cancelled: '期间的承诺中取消的', open: '期间的承诺中还没有结果的', unconfirmed: '不确定是否作出的承诺', attempts: '为期间的承诺拨打的次数', abandoned_by_us: '客户已接听而坐席未接入的次数',
  },
  book: {
    open: '未签', handed_over: '已交班', taken_over: '已接班', outgoing: '交班人', incoming: '接班人', not_signed: '未签字', sign_outgoing: '签字交班', sign_incoming: '签字接班', signed: '已签字', sign_text: '签字后内容固定，并留下 SHA-256。',
    another: '您已签交班，接班须由另一位班长签字。', matters: '未结工单 {count} 件', promises: '待兑现回呼 {count} 个', missing: '缺失或异常录音 {count} 个', recording: '录音 {id}，通话 {call}', chains: '录音链末端', list: '已签的交接本', none: '还没有签过的交接本',
  },
  book_figure: {
    calls: '来电量', asked: '请求人工', answered: '人工接通', abandoned: '放弃', connect_rate: '接通率', service_level: '服务水平', aht: '平均处理', satisfaction: '满意度', complaints_opened: '新建投诉', tickets_settled: '办结工单',
    recordings: '录音', recordings_missing: '缺失录音', alarms: '告警',
  },
  ticket: '工单', grade: '等级', owner: '负责人', due: '时限', overdue: '逾期',
}
