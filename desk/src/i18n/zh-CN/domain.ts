/** The hotline's usual names: queues, categories, states. */
export default {
  queue: { complaint: '投诉', inquiry: '咨询', orders: '业务办理', partnership: '意向商家', media: '媒体', nuisance: '骚扰', general: '综合', all: '全部队列' },
  category: {
    process: '业务流程', system: '系统故障', competence: '业务水平', attitude: '服务态度', usage: '使用不当', unreasonable: '无理诉求',
  },
  status: { available: '示闲', break: '小休', signed_out: '已签出' },
  state: { idle: '空闲', reserved: '已分配', ringing: '振铃', on_call: '通话中', wrap_up: '话后整理', occupied: '占用' },
  call_state: {
    ivr: '菜单中', waiting: '排队', ringing: '振铃', talking: '通话', held: '保持', outside: '已转外线', survey: '评价',
  },
  grade: { general: '一般', serious: '重大', critical: '特大' },
  ticket_state: { new: '新建', dispatched: '已派单', acknowledged: '已签收', in_progress: '处理中', resolved: '已解决', followed_up: '已回访', closed: '已关闭' },
  outcome: {
    handled: '已接通', abandoned: '放弃', short_abandoned: '短放弃', in_ivr: '菜单中挂机', callback: '转回呼', message: '留言',
    overflowed: '溢出', failed: '失败', unreached: '未接通',
  },
  promise: {
    pending: '待回', dialling: '拨打中', connected: '通话中', kept: '已兑现', cancelled: '已取消', expired: '已过期', unconfirmed: '待核实',
    settled: '已结案', broken: '未兑现',
  },
  source: {
    flow: '菜单', queue: '排队中', fallback: '应急', line_full: '线路占满', api: '人工登记', agent: '坐席', abandoned: '放弃来电', list: '名单',
    transfer: '转接失败', shutdown: '停机', follow_up: '回访',
  },
  hold: { hold: '保持', consult: '咨询', help: '求助', transfer: '转接中', refused: '转接被拒' },
  break: { busy: '连续占线', no_answer: '连续未接', declined: '连续拒接', unregistered: '话机不通' },
  attempt: {
    busy: '忙线', no_answer: '无人接听', rejected: '拒接', machine: '留言机', unreachable: '接不通', failed: '拨打失败', hung_up: '接通即挂', short: '通话太短', agent_gone: '坐席离开', lost: '中断', stopped: '已停止',
  },
  mode: { auto: '自动', on: '开启', off: '关闭' },
  question: { satisfied: '问题是否解决', reached: '是否有人联系', mark: '评分' },
  answer: { yes: '是', no: '否' },
  answered: '{question}：{answer}',
}
