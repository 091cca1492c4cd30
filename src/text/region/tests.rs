//! Which places texts name: short texts of every kind that was ever misread, and of the kinds next to them.

use super::super::analyzer::Analyzer;

fn keys(text: &str) -> Vec<String> {
    let regions = Analyzer::new().unwrap().regions(text);
    regions.iter().map(super::Region::key).collect()
}

/// All texts that name other places than expected, at once.
fn check(cases: &[(&str, &[&str])]) {
    let wrong = cases.iter().filter(|(text, expected)| keys(text) != *expected);
    let wrong: Vec<_> = wrong.map(|(text, expected)| (text, expected, keys(text))).collect();
    assert!(wrong.is_empty(), "text, expected, found: {wrong:#?}");
}

#[test]
fn districts_are_told_by_their_full_names_and_by_what_holds_them() {
    check(&[
        ("杭州市余杭区医保中心", &["杭州/余杭区"]),
        ("余杭区医保中心", &["杭州/余杭区"]),
        ("义乌市居民医保", &["金华/义乌市"]),
        ("义乌居民医保", &["金华/义乌市"]),
        ("北京市朝阳区", &["北京/朝阳区"]),
        ("辽宁省朝阳市朝阳县", &["朝阳/朝阳县"]),
        ("南京鼓楼区和徐州", &["南京/鼓楼区", "徐州"]),
        ("在鼓楼区办理,南京市通知", &["南京", "南京/鼓楼区"]),
        ("鼓楼区办理", &[]),
        ("安徽省马鞍山市和县", &["马鞍山/和县"]),
        ("各市和县级医院", &[]),
        ("常熟市与常熟", &["苏州/常熟市"]),
        ("上海浦东新区社保中心", &["上海/浦东新区"]),
        ("人在浦东上班", &["上海/浦东新区"]),
        ("天津滨海新区", &["天津/滨海新区"]),
        ("城区和矿区", &[]),
    ]);
}

#[test]
fn number_plates_name_their_place() {
    check(&[
        ("沪牌车在外地出险怎么理赔", &["上海"]),
        ("没有京牌能买车险吗", &["北京"]),
        ("大品牌的车", &[]),
        ("燕京牌啤酒", &[]),
    ]);
}

#[test]
fn texts_are_not_about_the_places_of_addresses_and_firms() {
    let analyzer = Analyzer::new().unwrap();
    let check = |text: &str, about: &[&str]| {
        let found: Vec<String> = analyzer.regions_about(text).iter().map(super::Region::key).collect();
        assert_eq!(found, about, "{text}");
    };
    check("办理地点:广州市天河区林和中路168号,电话见官网", &["广州"]);
    check("广东省社保局,地点:广州市天河区林和中路168号", &["广东"]);
    check("咨询地址：杭州市某大厦三楼。绍兴市参保人可办理", &["绍兴"]);
    check("天河区解放路二十号", &["广州"]);
    check("请天河区居民到解放路1号办理", &["广州/天河区"]);
    check("天河区的居民凭身份证办理", &["广州/天河区"]);
    check("深圳市吉思纽投资发展有限公司不缴社保", &[]);
    check("盈丰商务咨询（北京）有限公司与员工的争议", &[]);
    check("盈丰商务咨询（北京）股份有限公司", &[]);
    check("某某（北京）科技有限公司", &[]);
    check("易才（北京）人力资源顾问有限公司的员工", &[]);
    check("苏州市惠民保承保单位为中国人寿保险股份有限公司", &["苏州"]);
    check("广州市灵活就业人员以及有限公司股东参保", &["广州"]);
    check("杭州市参保人和某某有限公司", &["杭州"]);
    // Streets are called after what else is a word of its own.
    check("广州市天河区学院路37号", &["广州"]);
    check("南京市江宁区将军大道166号", &["南京"]);
    check("广州市天河区建国大街甲6号", &["广州"]);
    check("天河区绿色通道2号窗口", &["广州/天河区"]);
    check("天河区轨道10号线", &["广州/天河区"]);
    check("天河区第三阶段1号文件", &["广州/天河区"]);
    // Which of several is meant is told by an address, too.
    check("鼓楼区居民到区医保中心办理，地址：南京市中山北路30号", &["南京/鼓楼区"]);
    check("朝阳区社保中心，地址：北京市朝阳区惠新东街5号", &["北京/朝阳区"]);
    check("深圳市人社局要求有限公司参保", &["深圳"]);
    check("在深圳注册的有限公司应当参保", &["深圳"]);
    check("平安北京分公司", &["北京"]);
    // Who asks is where his firm and his house are.
    assert_eq!(keys("我在深圳市某某有限公司上班"), ["深圳"]);
    assert_eq!(keys("我住杭州市文一路100号"), ["杭州"]);
}

#[test]
fn documents_tell_whose_they_are() {
    check(&[
        ("粤医保发〔2024〕12号", &["广东"]),
        ("根据浙医保发[2023]5号文", &["浙江"]),
        ("甬政发(2022)8号", &["宁波"]),
        ("国医保发〔2024〕12号", &[]),
        ("粤语保险", &[]),
    ]);
}

#[test]
fn people_are_called_by_their_place() {
    check(&[
        ("我是成都人", &["成都"]),
        ("京籍老人", &["北京"]),
        ("沪籍和深户", &["上海", "深圳"]),
        ("湖南户口在广东上班", &["湖南", "广东"]),
        ("台湾地区居民", &["台湾"]),
    ]);
}

#[test]
fn other_words_hold_no_names() {
    for text in [
        "医保定点医院",
        "社保定点药店",
        "参保定额缴费",
        "续保定价",
        "退保定损",
        "再加保定向险",
        "承保定量",
        "这条我非常熟悉",
        "投保定期寿险",
        "在柜台中办理",
        "平台中心",
        "最大理赔额",
        "重大理赔案",
        "大理石台面",
        "黄河北岸",
        "泰山西侧",
        "洞庭湖南岸",
        "市区和郊区",
        "城区与矿区",
        "长寿保险与和平",
        "第三方",
    ] {
        check(&[(text, &[])]);
    }
}

#[test]
fn products_companies_streets_and_people_are_no_places() {
    for text in [
        "安联安顺畅游意外伤害保险",
        "安联附加安康和顺团体医疗保险",
        "平安福安重疾险",
        "国寿瑞安两全保险",
        "太平吉安年金",
        "新华泰安终身寿险",
        "长安责任保险公司",
        "东方人寿",
        "京东健康",
        "挂钩香港恒生指数",
        "北京时间8点",
        "中山大学附属医院",
        "上海大众汽车",
        "海南航空意外险",
        "存入上海银行账户",
        "深圳发展银行",
        "泰安社区三楼会议室",
        "长春村三组",
        "界首镇污水处理厂",
        "庐山路工程",
        "北京路步行街",
        "延安西路90号",
        "西藏中路的服务点",
        "南京东大街",
        "丹阳大道",
        "组长殷兴义",
        "投保人王荣成",
    ] {
        check(&[(text, &[])]);
    }
}

#[test]
fn places_beside_brands_and_streets_stay_places() {
    check(&[
        ("泰康宁波医保账户重大疾病保险", &["宁波"]),
        ("安徽人寿买的车险", &["安徽"]),
        ("平安北京分公司", &["北京"]),
        ("安顺医保报销", &["安顺"]),
        ("三明居民医保一年交多少", &["三明"]),
        ("白银社保", &["白银"]),
        ("安康医疗险", &[]),
        ("白银计划", &[]),
        ("东方居家护理", &[]),
        ("杭州乡镇企业", &["杭州"]),
        ("在杭州路上出险", &["杭州"]),
        ("上海社区医院", &["上海"]),
        ("重庆市农村商业银行", &["重庆"]),
        ("南京街头", &["南京"]),
    ]);
}

#[test]
fn what_is_left_out_is_not_named() {
    check(&[
        ("不包括香港特别行政区、澳门特别行政区、台湾地区法律", &[]),
        ("中国境内(不含香港、澳门和台湾)", &[]),
        ("二级以上医院(不含北京、上海、广州、深圳的私立医院)", &[]),
        ("本条款不适用于深圳市", &[]),
        ("除上海外的城市", &[]),
        ("除北京、天津以外地区", &[]),
        ("除了浙江省之外都可以", &[]),
        ("全国范围(西藏除外)", &[]),
        ("江苏省,南京除外", &["江苏"]),
        ("江苏省,南京、苏州除外", &["江苏"]),
        ("不是杭州的医保怎么报销", &[]),
        ("是不是杭州的医保都能报", &["杭州"]),
        ("不是杭州户口能参保吗", &["杭州"]),
        ("不是杭州的,是宁波的", &["宁波"]),
        ("除了上海还有哪些城市能用", &[]),
        ("除了杭州,其他地方门诊统筹报销比例", &[]),
        ("除了北京,哪里可以异地就医备案", &[]),
        ("不要杭州的门诊统筹报销比例", &[]),
        ("除了杭州,上海的比例也要", &["杭州", "上海"]),
        ("除了上海,江苏浙江哪里能直接结算", &["江苏", "浙江"]),
        ("杭州以外的门诊统筹报销比例", &[]),
        ("到杭州以外的医院就医", &["杭州"]),
        ("非杭州的门诊统筹比例", &[]),
        ("除非杭州参保,否则不能报", &["杭州"]),
        ("香港、澳门、台湾地区除外", &[]),
        ("江苏参保,不含南京市", &["江苏"]),
        ("除特殊情形外,杭州参保人", &["杭州"]),
        ("解除上海的劳动合同", &["上海"]),
        ("杭州以外就医", &["杭州"]),
        ("非上海户籍", &["上海"]),
        ("不在北京参保", &["北京"]),
        ("包括香港、澳门居民", &["香港", "澳门"]),
        ("费用不包括在内,广州的医院", &["广州"]),
    ]);
}

#[test]
fn names_with_a_letter_struck_out_count_where_they_can_be_one_place() {
    check(&[
        ("合*市医保中心", &["合肥"]),
        ("北*市基本医疗保险", &["北京"]),
        ("持深*市社保卡", &["深圳"]),
        ("广*省计划生育", &["广东"]),
        ("云*省规定", &["云南"]),
        ("石*庄市参保", &["石家庄"]),
        ("广*市医保", &[]),
        ("广东的广*市医保", &["广东", "广州"]),
        ("山*省规定", &[]),
        ("大*市医保局", &[]),
        ("新*市一款产品", &[]),
        ("上*市场", &[]),
        ("大兴*市", &[]),
        ("**市医保", &[]),
        ("合**市", &[]),
        ("不适用于深*市", &[]),
        ("*市*", &[]),
        ("5*3省", &[]),
    ]);
}

#[test]
fn mistakes_in_the_table_of_other_names_name_their_line() {
    let parse = |other: &str| super::Regions::parse("[浙江 省]\n杭州\n", other);
    assert!(parse("# c\n杭州湾\n泰康+\n+杭州\n").is_ok());
    for wrong in ["# c\n上海湾", "\n+上海"] {
        let error = parse(wrong).unwrap_err();
        assert!(error.message().starts_with("line 2"), "{error}");
    }
}

#[test]
fn fields_of_records_name_places_in_any_form() {
    let analyzer = Analyzer::new().unwrap();
    let check = |names: &[&str], expected: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let found: Vec<String> = analyzer.regions_named(&names).iter().map(super::Region::key).collect();
        assert_eq!(found, expected, "{names:?}");
        // What is found is what a filter of the same name asks for.
        for (name, key) in names.iter().zip(expected).filter(|_| names.len() == 1) {
            assert_eq!(analyzer.region_of(name).unwrap().key(), *key);
        }
    };
    check(&["浙江省"], &["浙江"]);
    check(&["粤"], &["广东"]);
    check(&["余杭"], &["杭州/余杭区"]);
    check(&["北京", "朝阳区"], &["北京", "北京/朝阳区"]);
    check(&["全国", "某地"], &[]);
}
