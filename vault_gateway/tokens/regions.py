"""Provinces of China (GB/T 2260) by full and by short name."""

from __future__ import annotations

_MUNICIPALITIES = "北京 天津 上海 重庆"
_PROVINCES = (
    "河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南 陕西 甘肃 青海 台湾"
)
_REGIONS = {
    "内蒙古": "内蒙古自治区",
    "广西": "广西壮族自治区",
    "西藏": "西藏自治区",
    "宁夏": "宁夏回族自治区",
    "新疆": "新疆维吾尔自治区",
    "香港": "香港特别行政区",
    "澳门": "澳门特别行政区",
}

_FULL = {name: f"{name}市" for name in _MUNICIPALITIES.split()}
_FULL |= {name: f"{name}省" for name in _PROVINCES.split()}
_FULL |= _REGIONS

# Both ways to write each, to the full name.
PROVINCE_OF_NAME = _FULL | {full: full for full in _FULL.values()}
