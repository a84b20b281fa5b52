"""The floor's reasons and rules in both languages: what decisions keep in English is said in Chinese by its pattern.

A sentence without a pattern is shown as it is. Tests try each that the floor can say.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from acd.policy.definitions import Requirement
from server.hotline.breaks import USUAL
from server.web.live.rows import Words
from server.web.live.words import words_of

_STATUS = {"signed_out": "签出", "available": "就绪", "break": "小休"}
_EXITS = {"callback": "回呼", "message": "留言", "goodbye": "结束语"}
_STRATEGIES = {
    "best fit": "技能最合适",
    "least skilled who suffices": "技能刚好够用",
    "longest idle": "空闲最久",
    "fewest recent calls": "近一小时接得最少",
}
_OUTCOMES = {
    "no_answer": "无应答",
    "declined": "拒接",
    "busy": "忙",
    "unregistered": "话机未注册",
    "redirected": "被话机转移",
    "dropped": "秒挂",
    "lost": "失联",
    "caller_gone": "来电人已挂断",
}
_BREAKS = {each.name: each.zh for each in USUAL} | _OUTCOMES


def _skill(name: str) -> str:
    return words_of(name).zh


def _asks(text: str) -> str:
    """What a requirement says in English, in Chinese."""
    if text == "nothing":
        return "无技能要求"
    parts = [each.rpartition(" ") for each in text.split(" and ")]
    return "、".join(f"{_skill(name)} {level} 级" for name, _, level in parts)


def _to(place: str) -> str:
    return _EXITS.get(place) or _skill(place)


Pattern = tuple[str, "Callable[[re.Match[str]], str]"]
_PATTERNS: list[Pattern] = [
    # Why an agent may not get a call
    (r"lacks (.+)", lambda m: f"缺少技能 {_skill(m[1])}"),
    (r"(\S+) (\d+) is below (\d+)", lambda m: f"技能 {_skill(m[1])} 为 {m[2]} 级，低于 {m[3]} 级"),
    (r"kept for (\S+) for (\d+) s more", lambda m: f"已为 {m[1]} 预留，还有 {m[2]} 秒"),
    (r"avoided: the caller complains about this agent", lambda m: "来电人投诉该坐席，回避"),
    (r"left out this round: did not take it before", lambda m: "本轮已派过而未接"),
    (r"signed out", lambda m: "已签出"),
    (r"on break: (.+)", lambda m: f"小休：{_BREAKS.get(m[1], m[1])}"),
    (r"on break", lambda m: "小休"),
    (r"on a call", lambda m: "通话中"),
    (r"being offered another call", lambda m: "正在派另一通来电"),
    (r"in wrap-up", lambda m: "事后整理"),
    (r"occupied: in a call with (.+)", lambda m: f"与 {m[1]} 通话中"),
    (r"occupied: (.+)", lambda m: f"占用：{m[1]}"),
    (r"occupied", lambda m: "占用"),
    (r"in a call with (.+)", lambda m: f"与 {m[1]} 通话中"),
    (r"phone not reachable", lambda m: "话机不可达"),
    (r"resting after an offer that was not taken", lambda m: "上一次未接，稍后再派"),
    (r"unknown agent", lambda m: "没有这个坐席"),
    (r"(signed_out|available|break) when the call is over", lambda m: f"通话结束后将{_STATUS[m[1]]}"),
    (r"does not meet (.+)", lambda m: f"不具备 {_asks(m[1])}"),
    (r"not free in time", lambda m: "未能及时空闲"),
    (r"agent (\S+) is occupied: (.+)", lambda m: f"{m[1]} 被占用：{m[2]}"),
    (r"agent (\S+) chose (signed_out|break)", lambda m: f"{m[1]} 已{_STATUS[m[2]]}"),
    (r"the caller cannot be reached at the moment", lambda m: "暂时联系不到来电人"),
    # Rules
    (r"transferred to (\S+)", lambda m: f"转接给 {m[1]}"),
    (
        r"(\S+) is preferred: owns the matter or spoke with the caller last",
        lambda m: f"{m[1]} 优先：是此事的责任人，或上次与来电人通过话",
    ),
    (
        r"first call that (\S+) can serve; (.+), idle (\d+) s",
        lambda m: f"{m[1]} 能接的第一通来电；{_STRATEGIES.get(m[2], m[2])}，已空闲 {m[3]} 秒",
    ),
    (r"pulled by ([^:]+)(?:: (.+))?", lambda m: f"由 {m[1]} 拉取" + (f"：{m[2]}" if m[2] else "")),
    (r"pulled for (\S+) by (.+)", lambda m: f"{m[2]} 为 {m[1]} 拉取"),
    (r"nobody signed in meets (.+)", lambda m: f"没有签入的坐席具备 {_asks(m[1])}"),
    (r"nobody who may take it is ready", lambda m: "能接的坐席都不空闲"),
    (r"step (\d+): nobody signed in meets (.+)", lambda m: f"第 {m[1]} 步：没有签入的坐席具备 {_asks(m[2])}"),
    (r"step (\d+) after (\d+) s: (.+)", lambda m: f"{m[2]} 秒后放宽到第 {m[1]} 步：{_asks(m[3])}"),
    (r"waited (\S+) s: to (\S+?)(, where.*)?", lambda m: f"已等 {m[1]} 秒：转{_to(m[2])}"),
    (r"found (\d+) or more calls waiting: to (\S+?)(, where.*)?", lambda m: f"前面已有 {m[1]} 通以上：转{_to(m[2])}"),
    (r"nobody signed in could serve it: to (\S+?)(, where.*)?", lambda m: f"没有签入的坐席能接：转{_to(m[1])}"),
    (r"(\S+) handed the call over to (\S+)", lambda m: f"{m[1]} 把来电转交给 {m[2]}"),
    (r"(\S+) sent the call out to (\S+)", lambda m: f"{m[1]} 把来电转到 {m[2]}"),
    (r"priority (-?\d+) by ([^:]+)(?:: (.+))?", lambda m: f"{m[2]} 设优先级 {m[1]}" + (f"：{m[3]}" if m[3] else "")),
    (r"by ([^:]*): (.*)", lambda m: f"{m[1]} 移动" + (f"：{m[2]}" if m[2] else "")),
    (r"moved to (\S+) by (.+)", lambda m: f"{m[2]} 移到 {_skill(m[1])}"),
    (r"taken up again on the way to (\S+)", lambda m: f"在转{_to(m[1])}途中重新接管"),
    (r"no server took the caller up again", lambda m: "没有服务器接管来电人"),
    (r"the hotline is being stopped", lambda m: "热线正在停机"),
    (r"transfer to (\S+) failed: (.+)", lambda m: f"转接 {m[1]} 未成：{reason(m[2]).zh}"),
    (r"(\S+): (.+); back to (\S+)", lambda m: f"{m[1]}：{reason(m[2]).zh}；退回 {m[3]}"),
    (r"(\S+): (.+)", lambda m: f"{m[1]}：{reason(m[2]).zh}"),
]
_COMPILED = [(re.compile(pattern), said) for pattern, said in _PATTERNS]


def reason(text: str) -> Words:
    """A reason or a rule of the floor, in both languages."""
    if text in _OUTCOMES:
        return Words(zh=_OUTCOMES[text], en=text.replace("_", " "))
    for pattern, said in _COMPILED:
        if found := pattern.fullmatch(text):
            return Words(zh=said(found), en=text)
    return Words(zh=text, en=text)


def asks(requirement: Requirement) -> Words:
    """What a call asks of an agent, in both languages."""
    text = str(requirement)
    return Words(zh=_asks(text), en=text)
