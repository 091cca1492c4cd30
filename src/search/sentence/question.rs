//! What kind of thing a question asks for (a term, an amount, a place), and the words by which an answer shows it.
//!
//! Owns the tables of signs; never scores. Plain phrases instead of a grammar: a wrong guess costs a little of one
//! sentence's score, and a reader can check every line.

use std::sync::LazyLock;

use super::super::phrases::Phrases;

/// What a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// A day or a time limit.
    Date,
    /// How long something lasts.
    Duration,
    /// A percentage or a rate.
    Share,
    /// An amount of money.
    Money,
    /// How an amount is reckoned.
    Formula,
    /// How old.
    Age,
    /// A number to call.
    Telephone,
    /// What to bring.
    Papers,
    /// The most or the least of something.
    Limit,
    /// Any other number.
    Number,
    /// Where, or by which channel.
    Place,
    /// What a term means.
    Meaning,
    /// What follows from it.
    Effect,
    /// Why.
    Reason,
    /// Yes or no.
    Whether,
    /// How it is done.
    Steps,
}

/// One kind of question, with its signs.
#[derive(Debug)]
pub(super) struct Kind {
    /// Which.
    pub asked: Asked,
    /// Phrases of a question of this kind.
    asks: &'static [&'static str],
    /// Phrases of a sentence that answers it.
    pub tells: &'static [&'static str],
    /// Units that tell if a number stands right before them.
    pub units: &'static [&'static str],
    /// Phrases of a sentence that may answer it.
    pub hints: &'static [&'static str],
    /// An answer must hold the thing itself: a question for an amount is not answered without one.
    pub exact: bool,
    /// One tell may be there by chance, two make an answer: a list of papers.
    pub several: bool,
}

const PLAIN: Kind = Kind {
    asked: Asked::Number,
    asks: &[],
    tells: &[],
    units: &[],
    hints: &[],
    exact: true,
    several: false,
};

/// How many of some unit, by the unit: 几天, 多少天. The unit 个 may stand between.
const LENGTHS: &[&str] = &["天", "日", "年", "周", "个月", "工作日", "星期", "小时", "分钟"];

/// Of kinds that are not exact the first one that is asked counts: the particular stand before the general.
#[rustfmt::skip]
static KINDS: [Kind; 16] = [
    Kind {
        asked: Asked::Date,
        asks: &["几号", "哪天", "哪一天", "哪年", "最晚", "最迟", "截止", "什么时候", "何时", "什么时间", "几月份", "几点"],
        tells: &[
            "日前", "月前", "天前", "年前", "期前", "之前", "届满", "日内", "天内", "月内", "年内", "之日", "次日",
            "当日", "次月", "当月", "截止", "截至", "逾期",
        ],
        units: &["月", "日", "号", "周岁", "点"],
        hints: &["日起", "时间", "期间", "时限", "时候"],
        ..PLAIN
    },
    Kind {
        asked: Asked::Duration,
        asks: &["多久", "多长", "时限", "期限"],
        units: &["天", "日", "个月", "年", "周", "小时", "工作日", "季度", "周岁", "星期", "分钟"],
        hints: &["时限", "期限", "长期", "终身", "即时", "当月", "当日", "当天", "次月", "次日"],
        ..PLAIN
    },
    Kind {
        asked: Asked::Share,
        asks: &[
            "比例", "百分之几", "百分之多少", "几成", "几折", "利率", "费率", "多少比", "报多少", "报销多少", "少多少", "降多少",
            "高多少", "低多少", "几个点",
        ],
        tells: &["百分之", "万分之", "千分之"],
        units: &["%", "成", "倍", "折"],
        hints: &["比例", "费率", "利率"],
        ..PLAIN
    },
    Kind {
        asked: Asked::Money,
        asks: &[
            "多少钱", "多少元", "多少费", "几块", "花多少", "交多少", "出多少", "扣多少", "罚多少", "收多少", "领多少", "退多少",
            "付多少", "补多少", "赔多少", "拿多少", "缴多少", "缴纳多少", "赔到多少", "收取多少", "加收多少",
        ],
        tells: &["百分之", "万分之", "千分之", "免费"],
        units: &["元", "万元", "%", "成"],
        hints: &["限额", "金额", "费用", "基数"],
        ..PLAIN
    },
    Kind {
        asked: Asked::Age,
        asks: &["几岁", "几周岁", "多大", "多少岁", "多少周岁", "年龄", "年纪"],
        tells: &["年满", "出生满"],
        units: &["岁", "周岁"],
        hints: &["年龄", "出生"],
        ..PLAIN
    },
    Kind {
        asked: Asked::Formula,
        asks: &["怎么算的", "怎么计算", "如何计算", "怎样计算", "怎么算出", "算出来", "公式", "计算方法", "按什么算", "怎么个算"],
        tells: &["计算", "公式", "×", "÷", "乘以", "除以", "之和", "之差", "百分之", "万分之"],
        units: &["%"],
        hints: &["比例", "基数", "按"],
        ..PLAIN
    },
    Kind {
        asked: Asked::Telephone,
        asks: &["电话", "号码", "热线", "打哪"],
        hints: &["热线", "拨打", "电话"],
        ..PLAIN
    },
    Kind {
        asked: Asked::Papers,
        asks: &[
            "材料", "证件", "资料", "要带", "带什么", "带哪些", "带啥", "带上什么", "拿什么", "什么证", "提供什么", "单据", "准备什么",
        ],
        tells: &[
            "身份证", "户口", "凭证", "复印件", "证明", "申请书", "原件", "发票", "病历", "保险单", "证件", "照片", "收据",
        ],
        hints: &["材料", "资料", "单据", "手续", "提供", "携带"],
        several: true,
        ..PLAIN
    },
    Kind {
        asked: Asked::Limit,
        asks: &["最多", "最少", "至多", "至少", "最高", "最低", "上限", "下限", "限额", "封顶"],
        tells: &["最高", "最低", "限额", "上限", "下限", "为限", "封顶", "最多", "最少", "不超过", "不得超过", "不低于", "至少"],
        units: &["元", "人", "次", "项", "个", "份", "种", "倍", "成", "档", "类", "级", "岁", "周岁", "%", "位", "名", "家"],
        hints: &["超过", "不足"],
        ..PLAIN
    },
    Kind {
        asked: Asked::Number,
        asks: &[
            "多少", "几个", "几次", "几项", "几种", "几人", "几档", "几级", "几条", "几款", "几位", "几家", "几份", "几类",
            "多大", "多高", "低于", "高于",
        ],
        units: &["元", "人", "次", "项", "个", "份", "种", "倍", "成", "档", "类", "级", "岁", "周岁", "%", "位", "名", "家"],
        hints: &["上限", "下限", "限额", "最高", "最低", "超过", "不足", "最多"],
        ..PLAIN
    },
    Kind {
        asked: Asked::Place,
        asks: &[
            "哪里", "在哪", "去哪", "到哪", "哪儿", "找谁", "哪个部门", "哪个地方", "哪个机构", "哪个平台", "哪个软件", "哪个app",
            "哪个手机", "哪个小程序", "哪个网站", "哪个窗口", "哪个单位", "什么地方", "什么平台", "什么软件", "什么app", "什么网站",
            "什么渠道", "哪家", "哪些渠道", "哪些平台",
        ],
        tells: &[
            "窗口", "社保局", "医保局", "机构", "平台", "app", "小程序", "官网", "公众号", "银行", "大厅", "中心", "医院", "社区",
            "街道", "村委", "网点", "政务", "支付宝", "微信",
        ],
        hints: &["线上", "线下", "当地", "地点", "渠道"],
        exact: false,
        ..PLAIN
    },
    Kind {
        asked: Asked::Meaning,
        asks: &[
            "什么是", "什么叫", "是什么", "什么意思", "啥意思", "含义", "定义", "指什么", "指的是", "才叫", "才算", "是啥", "何谓",
        ],
        tells: &["是指", "系指", "指的是", "是一种", "定义", "即为", "称为"],
        hints: &["包括", "指", "为"],
        exact: false,
        ..PLAIN
    },
    Kind {
        asked: Asked::Effect,
        asks: &["后果", "会怎样", "会怎么样", "有什么影响", "有影响吗", "影响什么", "有什么损失", "会如何", "会有什么"],
        tells: &[
            "影响", "终止", "中止", "失效", "无效", "不承担", "解除", "导致", "暂停", "无法", "不能", "不予", "损失", "自费", "重新",
        ],
        hints: &["逾期", "可能", "将", "会"],
        exact: false,
        ..PLAIN
    },
    Kind {
        asked: Asked::Reason,
        asks: &["为什么", "为何", "原因", "怎么回事", "为啥", "咋回事"],
        tells: &["因为", "由于", "原因", "导致", "造成", "所致", "引起"],
        hints: &["因", "可能"],
        exact: false,
        ..PLAIN
    },
    Kind {
        asked: Asked::Whether,
        asks: &["吗", "是否", "能否", "可否", "有没有"],
        tells: &[
            "可以", "均可", "不能", "不可", "不会", "不予", "不得", "不在", "不属", "不承担", "不负", "不含", "不退", "不用", "不必",
            "不包", "不算", "不支", "不产", "不再", "不受", "无法", "无需", "无权", "无须", "未", "没有", "有权", "除外", "免除", "免缴",
            "无效", "有效",
        ],
        hints: &["可", "应", "能", "须", "需", "仍", "负责", "允许"],
        exact: false,
        ..PLAIN
    },
    Kind {
        asked: Asked::Steps,
        asks: &["怎么", "如何", "怎样", "咋", "流程", "步骤", "手续", "办法", "方法"],
        tells: &[
            "办理", "申请", "提交", "携带", "登录", "点击", "填写", "前往", "选择", "上传", "下载", "书面", "拨打", "联系",
        ],
        hints: &["通过", "提供", "持", "需", "应", "先"],
        exact: false,
        ..PLAIN
    },
];

/// What askers say, and the words for it of contracts and offices. Used only to choose among the sentences of one
/// passage, so a pair may be looser than a synonym that finds passages.
#[rustfmt::skip]
static FORMAL: [(&[&str], &[&str]); 22] = [
    (&["一共", "总共", "加起来"], &["总", "合计", "共计"]),
    (&["户口"], &["户籍"]),
    (&["两边都", "两份都", "同时交", "交了两份"], &["重复", "同时"]),
    (&["律师费", "打官司", "上法院"], &["法律费用", "诉讼", "仲裁"]),
    (&["掉了", "丢了", "不见了", "弄丢"], &["遗失", "丢失", "挂失", "补办"]),
    (&["借钱", "贷出", "贷款"], &["贷款", "借款"]),
    (&["拒赔"], &["拒绝给付", "不属于"]),
    (&["先赔", "先给一部分", "先付"], &["先予", "先行"]),
    (&["拖了", "晚了"], &["逾期", "延迟"]),
    (&["喝酒", "喝大酒", "酒后", "醉"], &["酗酒", "饮酒", "酒精"]),
    (&["开车", "上路"], &["驾驶"]),
    (&["瞒", "没说实话", "没告诉"], &["如实告知", "未通知"]),
    (&["接着交", "续上", "又交"], &["继续", "接续", "恢复"]),
    (&["看病"], &["就医", "医疗费用", "门诊"]),
    (&["搬家"], &["住所", "地址"]),
    (&["改成", "换成"], &["变更"]),
    (&["换了", "换工作", "换单位"], &["变更"]),
    (&["接着保", "再保一年"], &["续保"]),
    (&["掏", "出钱"], &["承担", "支付", "缴纳"]),
    (&["钱"], &["费用", "金额", "资金"]),
    (&["偷", "被盗"], &["盗窃", "盗抢"]),
    (&["领", "取钱"], &["领取", "给付"]),
];

/// The phrases of a table's rows, and of which row each one is.
struct Rows {
    phrases: Phrases,
    rows: Vec<usize>,
}

impl Rows {
    fn new(phrases: impl Iterator<Item = (usize, &'static [&'static str])>) -> Self {
        let mut all: Vec<(&str, usize)> = phrases
            .flat_map(|(row, phrases)| phrases.iter().map(move |&phrase| (phrase, row)))
            .collect();
        all.sort_unstable();
        Rows {
            phrases: Phrases::new(all.iter().map(|(phrase, _)| *phrase)),
            rows: all.into_iter().map(|(_, row)| row).collect(),
        }
    }

    /// For each of the rows whether one of its phrases stands in the question at a place that counts.
    fn said<const ROWS: usize>(&self, question: &str, counts: impl Fn(usize) -> bool) -> [bool; ROWS] {
        let mut said = [false; ROWS];
        self.phrases
            .each(question, |at, number| said[self.rows[number]] |= counts(at));
        said
    }
}

static ASKS: LazyLock<Rows> = LazyLock::new(|| Rows::new(KINDS.iter().map(|kind| kind.asks).enumerate()));
static SPOKEN: LazyLock<Rows> = LazyLock::new(|| Rows::new(FORMAL.iter().map(|(spoken, _)| *spoken).enumerate()));

/// The formal words for what a question (normalised) says in spoken ones.
pub(super) fn formal_words(question: &str) -> impl Iterator<Item = &'static str> {
    let said: [bool; FORMAL.len()] = SPOKEN.said(question, |_| true);
    let pairs = FORMAL.iter().zip(said).filter(|(_, said)| *said);
    pairs.flat_map(|((_, formal), _)| formal.iter().copied())
}

/// The kinds a question (normalised) is of: the exact ones, or the first of the others, or none.
pub(super) fn kinds(question: &str) -> Vec<&'static Kind> {
    let said: [bool; KINDS.len()] = ASKS.said(question, |at| !is_told(question, at));
    let mut asked: Vec<&Kind> = KINDS
        .iter()
        .zip(said)
        .filter(|(kind, said)| *said || kind.is_asked_otherwise(question))
        .map(|(kind, _)| kind)
        .collect();
    if asked.iter().any(|kind| kind.exact) {
        asked.retain(|kind| kind.exact);
        // A plain 多少 is in most questions for money or a share as well.
        if asked.len() > 1 {
            asked.retain(|kind| kind.asked != Asked::Number);
        }
    } else {
        asked.truncate(1);
    }
    asked
}

impl Kind {
    /// Whether a question is of this kind by more than a phrase.
    fn is_asked_otherwise(&self, question: &str) -> bool {
        match self.asked {
            Asked::Duration => asks_for_length(question),
            Asked::Whether => asks_by_negation(question),
            _ => false,
        }
    }

    /// Whether a number alone, without a unit, tells: as many digits as this.
    pub(super) fn digits(&self) -> Option<usize> {
        match self.asked {
            Asked::Number | Asked::Limit => Some(1),
            Asked::Telephone => Some(5),
            _ => None,
        }
    }
}

/// 断了几个月 and 好几年 tell instead of asking.
fn is_told(question: &str, at: usize) -> bool {
    question[at..].starts_with('几') && question[..at].ends_with(['了', '过', '好', '这', '那', '十', '前'])
}

/// 几天, 多少个工作日.
fn asks_for_length(question: &str) -> bool {
    ["几", "多少"].iter().any(|word| {
        question.match_indices(word).any(|(at, _)| {
            let behind = &question[at + word.len()..];
            let counts = |rest: &str| LENGTHS.iter().any(|unit| rest.starts_with(unit));
            !is_told(question, at) && (counts(behind) || behind.strip_prefix('个').is_some_and(counts))
        })
    })
}

/// 能不能, 算不算, 是不是.
fn asks_by_negation(question: &str) -> bool {
    question.match_indices(['不', '没']).any(|(at, no)| {
        let before = question[..at].chars().next_back();
        before.is_some_and(char::is_alphabetic) && before == question[at + no.len()..].chars().next()
    })
}

#[cfg(test)]
mod tests {
    use super::Asked::*;
    use super::*;

    #[test]
    fn a_question_says_what_it_asks_for() {
        let check = |question: &str, expected: &[Asked]| {
            let names: Vec<Asked> = kinds(question).iter().map(|kind| kind.asked).collect();
            assert_eq!(names, expected, "{question}");
        };
        check("补缴要等多久才能用", &[Duration]);
        check("转到外省一共要几天", &[Duration]);
        check("断了几个月,个人账户会不会清零", &[Whether]);
        check("都好几年没交了还能补吗", &[Whether]);
        check("最晚几号之前要交上", &[Date]);
        check("大概是百分之几", &[Share]);
        check("重新办一张要花多少钱", &[Money]);
        check("最多能帮几个人交", &[Limit]);
        check("能绑定几个人", &[Number]);
        check("补缴的钱是怎么算出来的", &[Formula]);
        check("逾期不交会怎样", &[Effect]);
        check("孩子多大才能参保", &[Age]);
        check("要带哪些证件", &[Papers]);
        check("挂失打哪个电话", &[Telephone]);
        check("用哪个手机软件转", &[Place]);
        check("什么是观察期", &[Meaning]);
        check("余额没了是怎么回事", &[Reason]);
        check("药钱给不给报", &[Whether]);
        check("怎么办理备案", &[Steps]);
        // The particular goes before the general, the exact before both.
        check("怎么办理备案,要几天", &[Duration]);
        check("医保局在哪里,怎么去", &[Place]);
        check("居民医保", &[]);
        check("不", &[]);
        check("", &[]);
    }
}
