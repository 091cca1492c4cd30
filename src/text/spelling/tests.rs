//! What is corrected and what is left alone, by the articles about insurance in ../shared/data as the collection.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::needed::shared;

/// Counts of pairs of characters and of Latin words.
struct Counted {
    passages: u64,
    counts: HashMap<String, u64>,
}

impl Counted {
    fn new<'t>(analyzer: &Analyzer, passages: impl IntoIterator<Item = &'t str>) -> Self {
        let mut counted = Counted {
            passages: 0,
            counts: HashMap::new(),
        };
        for passage in passages {
            counted.passages += 1;
            let terms: HashSet<String> = analyzer
                .document(passage)
                .bigrams
                .into_iter()
                .map(|token| token.text)
                .collect();
            for term in terms {
                *counted.counts.entry(term).or_default() += 1;
            }
        }
        counted
    }
}

impl Usage for Counted {
    fn passages(&self) -> u64 {
        self.passages
    }

    fn holding(&self, terms: &[&str]) -> Result<Vec<u64>> {
        Ok(terms
            .iter()
            .map(|term| self.counts.get(*term).copied().unwrap_or(0))
            .collect())
    }
}

fn analyzer() -> Analyzer {
    Analyzer::new().unwrap()
}

/// The articles as a collection; none if they are not there and need not be.
fn insurance(analyzer: &Analyzer) -> Option<Counted> {
    let corpus = std::fs::read_to_string(shared("data/bench/insurance/corpus.jsonl")?).unwrap();
    let texts: Vec<String> = corpus
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["text"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    Some(Counted::new(analyzer, texts.iter().map(String::as_str)))
}

fn read(analyzer: &Analyzer, question: &str, usage: &dyn Usage) -> String {
    let correction = analyzer.correct(question, usage).unwrap();
    correction.map_or_else(|| question.to_owned(), |correction| correction.text)
}

#[test]
fn what_was_meant_is_read() {
    let analyzer = analyzer();
    let Some(insurance) = insurance(&analyzer) else { return };
    let mut wrong = Vec::new();
    for (written, meant) in WRONG {
        let read = read(&analyzer, written, &insurance);
        if read != *meant {
            wrong.push(format!("{written}: {read}, not {meant}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "of {}", WRONG.len());
}

#[test]
fn what_is_written_rightly_stays() {
    let analyzer = analyzer();
    let Some(insurance) = insurance(&analyzer) else { return };
    let small = Counted::new(&analyzer, ["医保断缴怎么办", "住院报销的比例", "保险公司理赔的时间"]);
    let mut wrong = Vec::new();
    for question in RIGHT {
        for collection in [&insurance, &small] {
            let read = read(&analyzer, question, collection);
            if read != *question {
                wrong.push(format!("{question}: {read}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "of {}", RIGHT.len());
}

#[test]
fn all_else_of_a_question_stays_as_it_is_written() {
    let analyzer = analyzer();
    let passages = ["医保报销", "医保报销比例", "医保怎么报销", "医保断缴怎么办"].repeat(5);
    let usage = Counted::new(&analyzer, passages);
    let check = |question: &str, expected: Option<(&str, bool)>| {
        let found = analyzer.correct(question, &usage).unwrap();
        let found = found
            .as_ref()
            .map(|correction| (correction.text.as_str(), correction.is_spelled));
        assert_eq!(found, expected, "{question}");
    };
    check("ＡＢＣ：醫寶怎麼報銷？", Some(("ＡＢＣ：医保怎麼報銷？", false)));
    check("Yibao duanjiao，怎么办？", Some(("医保断缴，怎么办？", true)));
    check("yi1bao3duan4jiao3 zenmeban", Some(("医保断缴怎么办", true)));
    check("yibao怎么抱销", Some(("医保怎么报销", false)));
    check("yb duanjiao zenmeban", Some(("医保断缴怎么办", true)));
    check("yb", None);
    check("醫保怎麼報銷", None);
    check("", None);
    check("？！", None);
}

#[test]
fn what_the_collection_writes_stays() {
    let analyzer = analyzer();
    let check = |passages: &[&str], question: &str, expected: &str| {
        let usage = Counted::new(&analyzer, passages.iter().copied());
        assert_eq!(read(&analyzer, question, &usage), expected, "{question}");
    };
    check(&["医保", "医保的报销"], "医宝的报销", "医保的报销");
    check(&["医保", "医保的报销", "医宝是一款产品"], "医宝的报销", "医宝的报销");
    check(&["医保", "断缴"], "yibao duanjiao", "医保断缴");
    check(&["医保", "断缴", "yibao.com"], "yibao duanjiao", "yibao 断缴");
    check(&[], "医宝 yibao duanjiao", "医宝 yibao duanjiao");
}

proptest! {
    #[test]
    fn any_question_is_read(question in "(\\PC|[医宝保抱报销脸险理陪怎么的了yibaoduanje1-5 '？Ａ醫]){0,60}") {
        let analyzer = analyzer();
        let usage = Counted::new(&analyzer, ["医保报销", "保险理赔怎么办", "断缴"]);
        if let Some(correction) = analyzer.correct(&question, &usage).unwrap() {
            prop_assert_ne!(correction.text, question);
        }
    }
}

/// Errors and what was meant, made up for this test.
const WRONG: &[(&str, &str)] = &[
    ("公积今怎么提取", "公积金怎么提取"),
    ("工伤认丁要多久", "工伤认定要多久"),
    ("门诊报消比例是多少", "门诊报销比例是多少"),
    ("住圆押金退不退", "住院押金退不退"),
    ("慢姓病怎么办理", "慢性病怎么办理"),
    ("犹豫起内退保", "犹豫期内退保"),
    ("退保损矢多大", "退保损失多大"),
    ("保单现金价直怎么查", "保单现金价值怎么查"),
    ("投保仁去世了", "投保人去世了"),
    ("被保险任是谁", "被保险人是谁"),
    ("意外伤亥险赔什么", "意外伤害险赔什么"),
    ("交强显多少钱", "交强险多少钱"),
    ("理赔材廖有哪些", "理赔材料有哪些"),
    ("高血亚能投保吗", "高血压能投保吗"),
    ("甲状线结节", "甲状腺结节"),
    ("既往正赔不赔", "既往症赔不赔"),
    ("保单贷宽利息", "保单贷款利息"),
    ("社保卡丢矢补办", "社保卡丢失补办"),
    ("失业登纪在哪办", "失业登记在哪办"),
    ("灵活就叶人员", "灵活就业人员"),
    ("异地就衣直接结算", "异地就医直接结算"),
    ("定点医元有哪些", "定点医院有哪些"),
    ("交通事顾怎么处理", "交通事故怎么处理"),
    ("肇事逃意保险赔吗", "肇事逃逸保险赔吗"),
    ("误工废怎么算", "误工费怎么算"),
    ("驾驶正过期了", "驾驶证过期了"),
    ("新生尔落户", "新生儿落户"),
    ("缴废年限不够", "缴费年限不够"),
    ("续宝需要体检吗", "续保需要体检吗"),
    ("重大疾柄保险", "重大疾病保险"),
    ("银行存宽和保险哪个好", "银行存款和保险哪个好"),
    ("养老宝险能退吗", "养老保险能退吗"),
    ("失业宝险金怎么领", "失业保险金怎么领"),
    ("住院报消多少", "住院报销多少"),
    ("交强宪怎么买", "交强险怎么买"),
    ("生育津帖多少", "生育津贴多少"),
    ("保险公司不赔尝", "保险公司不赔偿"),
    ("护里费怎么赔", "护理费怎么赔"),
    ("残疾赔尝金", "残疾赔偿金"),
    ("yonghu yaoqiu tuibao", "用户要求退保"),
    ("gongjijin zenme tiqu", "公积金怎么提取"),
    ("jiaotong shigu peichang biaozhun", "交通事故赔偿标准"),
    ("gao xue ya neng bu neng tou bao", "高血压能不能投保"),
    ("shebao转移手续", "社保转移手续"),
    ("tuixiu yanglaojin zenme suan", "退休养老金怎么算"),
    ("chexian shenme shihou xubao", "车险什么时候续保"),
    ("shēngyù bǎoxiǎn zěnme bàn", "生育保险怎么办"),
    ("失业金 zenme ban", "失业金 怎么办"),
    ("社保断了zenmeban", "社保断了怎么办"),
    ("tuibao sunshi da ma", "退保损失大吗"),
    ("mima wangle zenme ban", "密码忘了怎么办"),
    ("zhusufei shui chu", "住宿费谁出"),
    ("苹果手机碎瓶险", "苹果手机碎屏险"),
    ("shiye baoxianjin zenme ling", "失业保险金怎么领"),
    ("yanglaojin zenme ling", "养老金怎么领"),
    ("yingye zhizhao diule zenme ban", "营业执照丢了怎么办"),
];

/// Questions without an error.
const RIGHT: &[&str] = &[
    "医保断缴了怎么办",
    "御享颐生终身寿险怎么样",
    "安欣保能保什么",
    "中荷金生有约怎么样",
    "鑫享至尊年金险",
    "安馨保值得买吗",
    "友邦欣悦人生",
    "太平颐享天年",
    "孝欣保老年意外险",
    "manage账户怎么开",
    "Canada旅游保险",
    "我妈六十岁能买啥保险",
    "俺爹摔断了腿咋报销",
    "侬晓得医保卡哪能用伐",
    "阿拉上海退休金几何",
    "王晓陪的保单在哪查",
    "李想给儿子买的教育金",
    "张宝今年五十了能退休吗",
    "陈保国医生开的药能报吗",
    "苏曼殊的养老保险",
    "我叫欧阳娜，怎么查社保",
    "古丽巴哈尔怎么参保",
    "泰康人寿的百万医疗",
    "众惠相互怎么样",
    "蚂蚁金服的好医保靠谱不",
    "哆啦A保重疾险",
    "康乐e生和尊享e生比较",
    "iPhone碎屏险能退吗",
    "4S店强制买保险合法吗",
    "ETF和年金险哪个好",
    "HPV疫苗医保报吗",
    "ICU一天多少钱",
    "PICC怎么样",
    "OPPO手机延保",
    "apple care值得买吗",
    "e生保续保条件",
    "NT检查能报吗",
    "CT加MRI一共1200元报多少",
    "2025年门槛费600还是800",
    "第3次住院起付线",
    "BMI 32能投保吗",
    "name怎么填",
    "user name填什么",
    "open banking和保险",
    "women保险",
    "VIP体检套餐",
    "白癜风可以买重疾险吗",
    "疱疹样皮炎报销吗",
    "淋巴瘤靶向药奥妥珠单抗",
    "阿尔茨海默病护理险",
    "法洛四联症先心病",
    "桡骨骨折内固定取出术",
    "嗜铬细胞瘤是良性吗",
    "骶髂关节炎投保",
    "干燥综合征能过核保不",
    "贲门失弛缓症",
    "蚕豆病宝宝的保险",
    "黑龙江绥化的大病保险",
    "鄂尔多斯异地就医",
    "瑷珲区社保局",
    "涪陵居民医保",
    "丽江古城客栈公众责任险",
    "攀枝花退休年龄",
    "农夫买生猪保险",
    "大棚被雪压塌赔不赔",
    "渔船沉了保险公司赔多少",
    "无人机炸机险",
    "宠物猫绝育能报吗",
    "剧本杀店要买什么保险",
    "外卖小哥摔了谁赔",
    "滴滴司机营运险",
    "代驾撞了车怎么办",
    "网约车和私家车险一样吗",
    "搬家公司把冰箱磕了",
    "狗咬人谁赔",
    "房东不退押金",
    "老公出轨离婚保单归谁",
    "受益人写妈妈还是老婆",
    "保险公司的电话老打来烦死了",
    "业务员忽悠我妈买了分红险",
    "钱打不进卡里咋整",
    "给娃买点啥子保险好嘛",
    "冇医保点算",
    "俺们屯儿新农合涨到多少了",
    "上班路上让车蹭了算工伤不",
    "做了个阑尾炎手术花了八千六",
    "住院三天自费多少",
    "二胎产假几天",
    "生三孩有补贴不",
    "少儿互助金2万够不够",
    "出國旅行保險在國外看病怎麼理賠",
    "勞保和健保有什麼不同",
];
