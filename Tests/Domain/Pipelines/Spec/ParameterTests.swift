// The values of parameters: how YAML spells them, how a stage sees them, and how `--set` replaces them.
import Pipelines
import Primitives
import TestKit
import Testing

@Suite struct ParameterTests {
    private static func read(_ yaml: String) throws -> ParameterValue {
        try Sample.read(Sample.text([3: "parameters: { until: 2013-06-30, verbose: \(yaml) }"])).parameters[1].value
    }

    @Test(arguments: [
        ("300", ParameterValue.number(300)), ("-1", .number(-1)), ("0", .number(0)), ("0.05", .number(0.05)), ("1e-5", .number(1e-5)), ("1E3", .number(1000)),
        ("-0", .number(0)), ("-0.0", .number(0)), ("9007199254740992", .number(9_007_199_254_740_992)), ("1e20", .number(1e20)), ("true", .bool(true)), ("false", .bool(false)),
        ("2013-06-30", .text("2013-06-30")), ("\"300\"", .text("300")), ("'true'", .text("true")), ("\"\"", .text("")), ("'null'", .text("null")), ("no", .text("no")),
        ("True", .text("True")), ("0x1F", .text("0x1F")), ("1_000", .text("1_000")), (".nan", .text(".nan")), ("1.2.3", .text("1.2.3")), ("a b", .text("a b")),
    ]) func aValueIsWhatItLooksLike(_ yaml: String, _ value: ParameterValue) throws { #expect(try Self.read(yaml) == value) }

    @Test(arguments: [
        ("007", "'007' could be a number or text; write 7, or put it in quotes"), ("+5", "'+5' could be a number or text; write 5, or put it in quotes"),
        (".5", "'.5' could be a number or text; write 0.5, or put it in quotes"), ("5.", "'5.' could be a number or text; write 5, or put it in quotes"),
        ("-01", "'-01' could be a number or text; write -1, or put it in quotes"), ("1e999", "'1e999' is too large for a number; put it in quotes to pass it as text"),
        ("9007199254740993", "'9007199254740993' is too large to be an exact number; put it in quotes to pass it as text"),
        ("-12345678901234567890", "'-12345678901234567890' is too large to be an exact number; put it in quotes to pass it as text"),
        ("", "the pipeline's parameter 'verbose' needs a value; write one"), ("~", "the pipeline's parameter 'verbose' needs a value; write one"),
        ("[1]", "a parameter is text, a number, true or false; found a list"), ("{}", "a parameter is text, a number, true or false; found a map"),
        ("\"a\\0b\"", "a parameter's text holds no NUL; take it out"),
        (String(repeating: "a", count: 4097), "a parameter's text has at most 4096 bytes; put longer text into a file"),
    ]) func anUnclearValueIsRefused(_ yaml: String, _ sentence: String) { #expect(refusal { try Self.read(yaml) } == "penstock.yaml:3: \(sentence)") }

    @Test(arguments: [
        (ParameterValue.number(300), "300"), (.number(-1), "-1"), (.number(0.05), "0.05"), (.number(1e-5), "1e-05"), (.number(1e20), "1e+20"), (.number(0), "0"),
        (.number(9_007_199_254_740_992), "9007199254740992"), (.bool(true), "true"), (.bool(false), "false"), (.text(" a"), " a"),
    ]) func aStageSeesOneSpelling(_ value: ParameterValue, _ spelled: String) { #expect(value.spelled == spelled) }

    @Test func inJSONAValueStandsForItself() throws {
        let values: [String: ParameterValue] = ["a": .text("x/é"), "b": .number(300), "c": .number(0.5), "d": .bool(true), "e": .text("true"), "f": .text("7")]
        let json = #"{"a":"x/é","b":300,"c":0.5,"d":true,"e":"true","f":"7"}"#
        #expect(String(decoding: StrictJSON.encode(values), as: UTF8.self) == json)
        #expect(try StrictJSON.decode([String: ParameterValue].self, from: Array(json.utf8)) == values)
        #expect(throws: DecodingError.self) { try StrictJSON.decode([ParameterValue].self, from: Array("[null]".utf8)) }
    }

    @Test func textIsComparedByItsBytes() {
        #expect(ParameterValue.text("\u{e9}") != .text("e\u{301}") && Set([ParameterValue.text("\u{e9}"), .text("e\u{301}")]).count == 2)
        #expect(ParameterValue.text("7") != .number(7) && ParameterValue.text("true") != .bool(true) && ParameterValue.number(1) != .bool(true))
    }

    @Test(arguments: [
        ("until=2013-07-31", nil, "until", "2013-07-31"), ("train.trees=400", "train", "trees", "400"), ("a=", nil, "a", ""), ("a=b=c.d", nil, "a", "b=c.d"),
        ("a=\u{301}", nil, "a", "\u{301}"),
    ]) func aSettingIsRead(_ argument: String, _ stageName: String?, _ parameter: String, _ text: String) throws {
        let setting = try ParameterOverride(parsing: argument)
        #expect(setting.stage?.text == stageName && setting.parameter.text == parameter && setting.text == text)
    }

    @Test(arguments: [
        ("until", "'until' sets nothing; write parameter=value or stage.parameter=value"), ("=1", "'=1' sets nothing; write parameter=value or stage.parameter=value"),
        ("", "'' sets nothing; write parameter=value or stage.parameter=value"), ("a.b.c=1", "'a.b.c=1' sets nothing; write parameter=value or stage.parameter=value"),
        ("a.=1", "'a.=1' sets nothing; write parameter=value or stage.parameter=value"), ("A.b=1", StageName.refusal(of: "A")), (".b=1", StageName.refusal(of: "")),
    ]) func aSettingThatIsNoneIsRefused(_ argument: String, _ sentence: String) { #expect(refusal { try ParameterOverride(parsing: argument) } == sentence) }

    private static func set(_ arguments: [String], _ text: String = Sample.text) throws -> PipelineSpec {
        try Sample.read(text).setting(try arguments.map { try ParameterOverride(parsing: $0) })
    }

    @Test func aSettingReachesExactlyThoseThatNameTheParameter() throws {
        let spec = try Self.set(["until=2013-07-31", "train.trees=400", "verbose=true"])
        #expect(spec.parameters.map(\.value) == [.text("2013-07-31"), .bool(true)])
        let graph = try PipelineGraph(validating: spec, contracts: try Sample.contracts())
        #expect(try graph.parameters(of: stage("ingest")) == [parameter("until"): .text("2013-07-31")])
        #expect(try graph.parameters(of: stage("train")) == [parameter("trees"): .number(400), parameter("leaves"): .number(31), parameter("seed"): .number(7)])
        #expect(try graph.parameters(of: stage("features")) == [:] && graph.parameters(of: stage("nobody")) == [:])
        #expect(try spec.users(of: parameter("until")) == [stage("ingest")] && spec.users(of: parameter("verbose")) == [] && spec.users(of: parameter("trees")) == [])
        #expect(try Self.set([]) == Sample.read(Sample.text))
    }

    @Test func aStagesSettingLeavesThePipelinesAlone() throws {
        let spec = try Self.set(["ingest.until=7"])
        #expect(spec.parameters[0].value == .text("2013-06-30") && spec.stages[0].parameters[0].value == .text("7"))
        #expect(try spec.users(of: parameter("until")) == [])
    }

    @Test(arguments: [
        (["trees=1"], "the pipeline has no parameter 'trees'; known there: until, verbose"),
        (["train.tree=1"], "the stage 'train' has no parameter 'tree'; known there: trees, leaves, seed"),
        (["features.a=1"], "the stage 'features' has no parameter 'a'; known there: none"),
        (["fit.trees=1"], "there is no stage 'fit' to set 'trees' of; known stages: ingest, features, train, evaluate, register"),
        (["train.trees=many"], "'train.trees' cannot be set: it is a number in penstock.yaml, and 'many' is none"),
        (["train.trees=007"], "'train.trees' cannot be set: it is a number in penstock.yaml, and '007' is none"),
        (["train.trees=1e999"], "'train.trees' cannot be set: it is a number in penstock.yaml, and '1e999' is none"),
        (["train.trees=9007199254740993"], "'train.trees' cannot be set: it is a number in penstock.yaml, and '9007199254740993' is none"),
        (["verbose=yes"], "'verbose' cannot be set: it is true or false in penstock.yaml, and 'yes' is neither"),
        (["until=a\0"], "'until' cannot be set: a parameter's text holds no NUL; take it out"), (["until=1", "until=2"], "'until' is set twice; keep one"),
    ]) func aSettingThatDoesNotFitIsRefused(_ arguments: [String], _ sentence: String) {
        let error = #expect(throws: PipelineError.self) { try Self.set(arguments) }
        #expect(error?.description == sentence && error?.code == .unknownName)
    }

    @Test func aSettingOfAParameterThatThePipelineLacksIsRefused() {
        #expect(
            refusal { try Self.set(["ingest.untill=1"], Sample.text([7: "    parameters: { untill }"])) } == "the pipeline has no parameter 'untill'; known there: until, verbose")
    }
}
