"""Recognise the lines around an article: buttons, counters, pagers, footers and links.

An article's end is firm or loose. A firm end (`相关新闻`, `版权声明`, an ICP number) never stands inside a
story. A loose end (`评论`, `推荐`) may: it counts only where no prose follows.
"""

from __future__ import annotations

import re
from typing import Final

from syndicate.ingest.line_cache import cached

FRAME: Final = " \t【】[]〔〕()\uff08\uff09<>《》»«›|:\uff1a·-—=*■●▲◆▍□○△◇#>"
"""Decoration around the words of a line."""

_WORD: Final = (
    r"(?>(?:打印|列印)(?:本页|本稿|文章|此页)?|关闭(?:窗口|本页)?|(?:加入)?收藏(?:本文|本页|本站)?|设为首页"
    r"|返回(?:搜狐|新浪|腾讯|网易)\s*[,，]?\s*(?:查看更多|看更多)?|返回(?:首页|顶部|列表)?"
    r"|(?:一键|立即)?分享(?:到|至|本文)?(?:微信|微博|朋友圈|QQ空间|QQ好友|QQ|新浪微博|腾讯微博)?"
    r"|微信|微博|朋友圈|QQ空间|QQ好友|QQ"
    r"|(?:网友|我要|发表|查看|我来|参与|全部|最新)?(?:评论|跟帖|留言|互动)(?:数|量)?|参与互动|我要?纠错|纠错|投稿|举报|投诉"
    r"|我要反馈|意见反馈|反馈|保存网页|查看更多|查看|回复|字体大小|字号|字体|超大|特大|大号|中号|小号|默认|标准|放大|缩小"
    r"|A\+|A-|\+|复制(?:链接|网址|本文)?|推荐给?(?:朋友|好友)?|点赞|转发|转载|朗读|听新闻|语音播报"
    r"|(?:手机|扫码|扫一扫)(?:看|阅读|浏览|分享)(?:新闻|本文)?|用手机看|手机网|手机版|(?:手机|扫码|扫一扫)(?:新闻|本文)?"
    r"|下载客户端|客户端|阅读全文|点击展开(?:全文)?|浏览(?:次数|量|数)?|点击(?:次数|量|数|率)?|阅读(?:次数|量|数)?|人气|热度"
    r"|播放(?:量|次数)?|次数|更多|展开|收起|登录|登陆|注册|搜索|首页|无障碍|长者版|简体|繁体|繁體|English|RSS|订阅|正文"
    r"|(?:文章|新闻|稿件)内容|直播|回放|views?|\d[\d,.]*(?:万|k|w)?\+?(?:次|人|条)?|[大中小赞人次T])"
)
_BETWEEN: Final = r"[\s|/\\·:：,，、\[\]【】()（）{}<>＜＞《》｜—_-]*+"
_FURNITURE: Final = re.compile(f"{_BETWEEN}(?:{_WORD}{_BETWEEN})++", re.IGNORECASE)
"""Atomic and possessive: a line of digits or buttons that is none in the end must not be tried in"
" every way."""
_TAIL: Final = re.compile(
    rf"(?:[\s|｜/·]+|(?=[\[【(（]))(?:[\[【(（]\s*)?{_WORD}(?:\s*[:：]?\s*[\[(（]?\d*[\])）]?)?(?:\s*[\]】)）])?\s*$"
)
_MAY_HAVE_TAIL: Final = re.compile(r"[\s|｜/·\[【(（]")
_LONGEST_LINE: Final = 200
"""A longer line is no row of buttons."""
_PAGER: Final = re.compile(
    r"(?>(?:本文|全文)?\s*共\s*\d+\s*页|第\s*\d+\s*(?:/\s*\d+\s*)?页|(?:点击)?(?:查看|进入|阅读)?[上下]一?页|前一?页|后一?页"
    r"|首页|尾页|末页|余下全文|阅读全文|全文|单页(?:阅读|显示)?|跳(?:转)?到|当前|分页|页码?|\d+"
    r"|\s|[|/·….\[\]【】()（）<>＜＞«»:：,，])++"
)
_SEVERAL: Final = re.compile(
    r"(?:点击)?(?:查看|进入|阅读)?下一?页|后一?页|余下全文|[\[【(（]\s*第\s*[2-9]\s*页|共\s*(?:[2-9]|[1-9]\d+)\s*页|[\[【(（]\s*[2-9]\s*[\]】)）]|上一?页|第\s*\d+\s*/\s*(?:[2-9]|[1-9]\d+)\s*页"
    r"|^\W*1\s*/\s*[2-9]\d?\W*$|^\W*1(?:[\s|.·…\[\]]+[2-9]\d?)+[\s|.·…\[\]]*$"
)
_FIRM: Final = re.compile(
    r"(?:(?:更多|其他|其它)?相关(?:新闻|报道|阅读|文章|稿件|推荐|资讯|视频)"
    r"|(?:延伸|拓展|扩展|推荐|更多|深度|关联|往期|猜你喜欢|精彩)阅读|往期(?:回顾|精选|推荐|精彩)|更多精彩.{0,8}|猜你喜欢|大家都在看|你可能(?:还)?(?:喜欢|感兴趣).{0,6}|热门(?:新闻|文章|排行|阅读|点击|标签)"
    r"|热点(?:新闻|排行|推荐)|新闻排行(?:榜)?|点击排行(?:榜)?|阅读排行(?:榜)?|.{0,12}版权(?:声明|说明)|免责声明"
    r"|返回(?:首页|顶部|列表)|关闭窗口|关于我们.{0,60}|网站地图.{0,60}|联系我们.{0,60}|友情链接.{0,60}|[上下]一[篇条则个](?:新闻|文章)?\s?[:：].{0,80}|[上下]一[篇条].{0,60})"
)
_FOOTER: Final = re.compile(
    # Its first character alone, then the rest from there: most characters of a text begin none of them.
    r"[ic公©a版互新增信违举联关](?<=(?=ICP\s*(?:备|证)|公网安备|copyright\s*(?:©|\(c\)|&copy;|\d{4})|©\s*\d{4}|all"
    r" rights reserved|版权所有\s*[©:：\u4e00-\u9fff]"
    r"|互联网新闻信息服务许可证|新闻信息服务许可证|增值电信业务经营许可证|信息网络传播视听节目许可证|违法和不良信息举报|(?:新闻|举报|联系)热线\s?[:：]|关于我们\s*[|｜·]).)",
    re.IGNORECASE,
)
_RESERVED: Final = re.compile(
    r"(?:版权|著作权).{0,12}(?:归|属|所有)|侵权.{0,20}(?:联系|删除|告知)|(?:不|并不|不能)代表.{0,12}(?:本网|本站|本报|平台|立场|观点)"
    r"|仅代表.{0,8}(?:本人|个人)|转载.{0,12}(?:注明|授权|来源)|(?:本网|本站|网络|互联网).{0,6}转载"
)
_DISCLAIMER: Final = re.compile(
    rf"(?:(?:免责|版权|特别|郑重|重要)?声明|风险提示|免责条款)\s?[:\uff1a].*(?:{_RESERVED.pattern})"
)
_FINIS: Final = re.compile(r"(?:the\s)?end|(?:全文|本文)?完(?:结)?|全文结束", re.IGNORECASE)
_FOLLOW: Final = re.compile(
    r"(?:微信)?扫(?:一扫|码|描).{0,24}(?:关注|二维码|公众号|客户端|下载|小程序|分享|观看|阅读)?.{0,12}|(?:长按|识别|点击).{0,16}(?:二维码|关注|阅读原文|蓝字).{0,16}"
    r"|(?:点击|点)?(?:上方|下方).{0,8}蓝字.{0,16}|阅读原文|(?:继续)?滑动看下一个|预览时标签不可点|喜欢此内容的人还喜欢|.{0,12}(?:在看|点赞).{0,6}(?:三连)?|收录于合集.{0,20}"
    r"|分享、?点赞、?在看.{0,10}|轻触阅读原文"
)
_LOOSE: Final = re.compile(
    r"(?:(?:新闻|相关)链接|相关(?:专题|内容|主题)|(?:特别|郑重)?声明|(?:热门|头条|视频|图片|精彩|编辑|今日|新闻|栏目|为您|为你|小编)?推荐|图片新闻|视频新闻|(?:网友|新闻|我要|发表|最新|热门|全部)?(?:评论|留言)(?:区)?|排行(?:榜)?|热词|标签)"
)
_CUT_SHORT: Final = re.compile(
    r"(?:(?:点击|轻触|请|打开|下载|登录|订阅|购买|前往|到|去).{0,16})?(?:展开|阅读|查看|观看|浏览|显示)(?:全文|剩余(?:内容|部分)?|余下(?:内容|全文|部分)?|完整(?:内容|文章|版))"
    r"(?:[\s>»…]*|.{0,3})|(?:全文)?(?:剩余|还剩|余下)\s*(?:全文)?\s*\d{1,2}\s*%.{0,8}|(?:本文)?未完(?:待续|,.{0,12}|，.{0,12})"
)
_SENTENCE: Final = re.compile(r"[。！？!?…；;][”’」』)\uff09\"']*")
_ENDS: Final = re.compile(r"[。！？!?…][”’」』)\uff09\"']*$")
_LEAST_PROSE: Final = 15


@cached
def is_furniture(text: str) -> bool:
    """Whether the whole line is buttons, counters and their numbers; a bare number is not."""
    return (
        len(text) <= _LONGEST_LINE
        and bool(_FURNITURE.fullmatch(text))
        and re.search(r"[^\W\d_]", text) is not None
    )


def is_pager(text: str) -> bool:
    """Whether the line turns pages: `上一页 1 2 下一页`, `共3页 [2] [3]`, `1 2 3`, `1/3`."""
    if len(text) > _LONGEST_LINE or not _PAGER.fullmatch(text):
        return False
    return bool(re.search(r"页|全文|[\[【(（]\s*\d", text) or _SEVERAL.search(text))


def names_more_pages(text: str) -> bool:
    """Whether a pager says that the story has pages beside this one."""
    return is_pager(text) and _SEVERAL.search(text) is not None


def is_cut_short(text: str) -> bool:
    """Whether the line offers the rest of a text that is shown in part: `打开App阅读全文`."""
    return len(text) <= _LONGEST_LINE and _CUT_SHORT.fullmatch(text.strip(FRAME + "。.!！，,")) is not None


@cached
def is_firm_end(text: str) -> bool:
    """Whether the line announces what never belongs to a story: related news, notices, footers."""
    bare = text.strip(FRAME)
    return bool(_FIRM.fullmatch(bare) or _FOOTER.search(text) or _DISCLAIMER.match(bare))


def is_disclaimer(text: str) -> bool:
    """Whether the line is a site's notice about what others wrote or own: `本网转载…版权归原作者所有`."""
    return _RESERVED.search(text) is not None


def is_finis(text: str) -> bool:
    """Whether the line says that the story ends: `(完)`, `—END—`."""
    return _FINIS.fullmatch(text.strip(FRAME + "。.!～~/")) is not None


@cached
def is_loose_end(text: str) -> bool:
    """Whether the line may announce what follows a story, or be a word of it."""
    return _LOOSE.fullmatch(text.strip(FRAME)) is not None


def is_follow_us(text: str) -> bool:
    """Whether the line asks readers to scan, follow or share."""
    return len(text) <= _LONGEST_LINE and _FOLLOW.fullmatch(text.strip(FRAME + "。.!！，,")) is not None


@cached
def is_prose(text: str) -> bool:
    """Whether the line is a sentence of some length: what a story is made of."""
    return len(text) >= _LEAST_PROSE and _ENDS.search(text) is not None


def is_sentence(text: str) -> bool:
    """Whether the line holds the end of a sentence."""
    return _SENTENCE.search(text) is not None


def without_furniture(text: str) -> str:
    """Remove buttons and counters at the end of a text: `萧山日报 | 打印` gives `萧山日报`."""
    if len(text) > _LONGEST_LINE or not _MAY_HAVE_TAIL.search(text):
        return text
    while (shorter := _TAIL.sub("", text).rstrip(" |｜/·")) != text:
        if not shorter:
            return text
        text = shorter
    return text
