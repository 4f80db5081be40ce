"""萧山网's own words: its name, outlets, channels and rights notice, used where the settings say nothing.

`docs/reference/settings.md` lists them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from syndicate.model.item import ChannelId, OutletId
from syndicate.model.parties import STAMP, Channel, Outlet

NAME: Final = "萧山网"
NAME_EN: Final = "Xiaoshan Net"
AUTHORITY: Final = "xsnet.cn"
HOME: Final = "http://www.xsnet.cn/"
BASE_URL: Final = "http://127.0.0.1:8080"
DATA: Final = "var"
TIMEZONE: Final = "Asia/Shanghai"
LANGUAGE: Final = "zh-CN"
ABSTRACT_LENGTH: Final = 120
DATABASE_CONNECTIONS: Final = 7
S3_REGION: Final = "us-east-1"
MEDIA_CACHE_MB: Final = 10_240
DEFAULT_CHANNEL: Final = "news"
DEFAULT_STAMP: Final = STAMP

OUTLETS: Final = (
    Outlet(OutletId("daily"), "萧山日报", ("萧山网-萧山日报", "萧山日报"), "Xiaoshan Daily"),
    Outlet(OutletId("tv"), "萧山电视台", ("萧山网-萧山电视台", "萧山电视台"), "Xiaoshan Television"),
    Outlet(
        OutletId("radio"),
        "萧山人民广播电台",
        ("萧山网-萧山人民广播电台", "萧山人民广播电台"),
        "Xiaoshan People's Radio",
    ),
)

CHANNELS: Final = (
    Channel(ChannelId("news"), "新闻", "News"),
    Channel(ChannelId("instant"), "即时报", "Latest"),
    Channel(ChannelId("special"), "专题", "Special Reports"),
    Channel(ChannelId("video"), "视频", "Video"),
    Channel(ChannelId("education"), "教育", "Education", ("medtop:05000000",)),
    Channel(ChannelId("property"), "房产", "Property", ("medtop:04000000",)),
    Channel(ChannelId("finance"), "理财", "Personal Finance", ("medtop:04000000",)),
    Channel(ChannelId("home"), "家居", "Home and Living", ("medtop:10000000",)),
    Channel(ChannelId("health"), "健康", "Health", ("medtop:07000000",)),
    Channel(ChannelId("auto"), "汽车", "Motoring", ("medtop:10000000",)),
    Channel(ChannelId("qiantang"), "钱塘新区", "Qiantang New Area"),
    Channel(ChannelId("ask"), "网络问政", "Ask the Government", ("medtop:11000000",)),
    Channel(ChannelId("community"), "湘湖社区", "Xianghu Community"),
    Channel(ChannelId("beigan"), "北干楼宇", "Beigan Business District"),
    Channel(ChannelId("qtnews"), "钱塘新闻网", "Qiantang News Net"),
)


def notice(name: str, outlets: Sequence[str], stamp: str) -> str:
    """The rights notice in Chinese, for this publisher, the names of its outlets, and its stamp."""
    return (
        f"{name}依据与各权利人订立的协议，享有{'、'.join(outlets)}全部文字、图片、音频和视频稿件的"
        f"网上独家发布权，相关版权由{name}享有。凡未与{name}订立授权协议的媒体、网站或个人，均不得转载、链接、"
        f"转贴或以其他方式复制发表上述稿件。已获授权的媒体和网站，使用时必须注明“{stamp}”。"
        f"对违反上述声明的行为，{name}将依法追究法律责任。"
    )


def notice_en(name: str, outlets: Sequence[str], stamp: str) -> str:
    """The rights notice in English."""
    listed = " and ".join(filter(None, (", ".join(outlets[:-1]), *outlets[-1:])))
    return (
        f"By agreement with the rights holders, {name} has the exclusive right to publish online all text, "
        f"pictures, audio and video of {listed}, and holds the copyright in them. Without a "
        f"licence agreement with {name}, no medium, website or person may reprint, link to, repost or "
        f"otherwise copy and publish them. Whoever is licensed must mark every use “{stamp}”. {name} will "
        f"pursue infringements by law."
    )
