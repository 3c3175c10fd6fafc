// Strict reading of documents: every key known, every value of the right type, every refusal at its place.
import Primitives
import Testing

private func place(_ line: Int) -> SourcePlace { SourcePlace(file: "f.yaml", line: line) }

private func plain(_ text: String, line: Int = 7) -> DocumentNode { DocumentNode(.scalar(text, plain: true), at: place(line)) }

private func quoted(_ text: String, line: Int = 7) -> DocumentNode { DocumentNode(.scalar(text, plain: false), at: place(line)) }

private func list(_ items: [DocumentNode]) -> DocumentNode { DocumentNode(.list(items), at: place(7)) }

/// A map at line 7 whose keys stand on lines 8, 9 and so on, and their values at the end of the same line.
private func document(_ pairs: KeyValuePairs<String, DocumentNode.Value>) -> DocumentNode {
    DocumentNode(
        .map(zip(8..., pairs).map { .init(key: $1.key, place: place($0), value: DocumentNode($1.value, at: place($0))) }), at: place(7))
}

private func refusal(_ body: () throws(DocumentError) -> Void) -> String {
    do {
        try body()
        return ""
    } catch { return error.description }
}

private enum Colour: String, CaseIterable {
    case red
    case darkBlue = "dark-blue"
}

@Suite struct DocumentValueTests {
    private static let nothings = [plain(""), plain("~"), plain("null")]

    @Test func whatAValueIsCalled() {
        #expect(Self.nothings.map(\.kind) == ["nothing", "nothing", "nothing"] && Self.nothings.allSatisfy(\.isNull))
        let texts = [quoted(""), quoted("~"), quoted("null"), plain("Null"), plain("nul"), plain(" "), list([]), document([:])]
        #expect(texts.map(\.kind) == ["''", "'~'", "'null'", "'Null'", "'nul'", "' '", "a list", "a map"] && !texts.contains(where: \.isNull))
        #expect(plain(String(repeating: "x", count: 1000)).kind == "'" + String(repeating: "x", count: 60) + "'")
        #expect(place(3).description == "f.yaml:3" && place(0).description == "f.yaml")
        #expect(DocumentError("no", at: place(3)).description == "f.yaml:3: no")
    }

    @Test func textIsAnyScalarButNothing() throws {
        for text in ["a", "1", "true", "1.5", " "] { #expect(try plain(text).text() == text) }
        for text in ["", "~", "null", "a"] { #expect(try quoted(text).text() == text) }
        for node in Self.nothings { #expect(refusal { () throws(DocumentError) in _ = try node.text() } == "f.yaml:7: expected text here, found nothing") }
        #expect(refusal { () throws(DocumentError) in _ = try list([]).text() } == "f.yaml:7: expected text here, found a list")
        #expect(refusal { () throws(DocumentError) in _ = try document([:]).text() } == "f.yaml:7: expected text here, found a map")
    }

    @Test func listsAndMapsAreThemselves() throws {
        #expect(try list([plain("a"), plain("b")]).list() == [plain("a"), plain("b")])
        #expect(refusal { () throws(DocumentError) in _ = try plain("a").list() } == "f.yaml:7: expected a list here, found 'a'")
        #expect(refusal { () throws(DocumentError) in _ = try document([:]).list() } == "f.yaml:7: expected a list here, found a map")
        #expect(refusal { () throws(DocumentError) in _ = try plain("").fields() } == "f.yaml:7: expected a map of keys and values here, found nothing")
        #expect(refusal { () throws(DocumentError) in _ = try list([]).fields() } == "f.yaml:7: expected a map of keys and values here, found a list")
    }

    @Test func numbersAreFiniteAndDecimal() throws {
        let accepted: [(String, Double)] = [
            ("0", 0), ("-0", -0.0), ("1", 1), ("+1", 1), ("-1.5", -1.5), ("0.60", 0.6), ("1e-6", 1e-6), ("1E6", 1e6), ("2e+3", 2000),
            ("1.7976931348623157e308", .greatestFiniteMagnitude),
            ("0.1000000000000000055511151231257827", 0.1), (String(repeating: "0", count: 500) + "1", 1),
        ]
        for (text, number) in accepted { #expect(try plain(text).number().bitPattern == number.bitPattern, "\(text)") }
        let refused = [
            "", "~", "nan", "NaN", "inf", "-inf", "infinity", "Infinity", ".inf", ".nan", "1e999", "-1e999", "0x10", "0x1p3", "1_000", "1,5", "1 000", " 1", "1 ", "1.5.5", "1e",
            "e1",
            "e", "-", "+", ".", "--1", "+-1", "1-", "1e1e1", "a", "true", "1%", "\u{ff11}", "\u{661}", "1\u{301}", "1\0", "0b1", "0o7", "1f", "1d",
        ]
        for node in refused.map({ plain($0) }) + [quoted("1"), list([plain("1")]), document([:])] {
            #expect(refusal { () throws(DocumentError) in _ = try node.number() } == "f.yaml:7: expected a number here, found \(node.kind)")
        }
    }

    @Test func integersAreWholeAndWithinTheirRange() throws {
        for (text, number) in [("0", 0), ("-5", -5), ("5", 5), ("+5", 5), ("005", 5), ("-0", 0)] { #expect(try plain(text).integer(in: -5...5) == number) }
        #expect(try plain("9223372036854775807").integer(in: .min ... .max) == .max && plain("-9223372036854775808").integer(in: .min ... .max) == .min)
        let refused = [
            "", "~", "6", "-6", "5.0", "5.5", "5e0", "0x5", "5_0", " 5", "5 ", "a", "true", "9223372036854775808", "-9223372036854775809", "99999999999999999999999999", "\u{ff15}",
            "\u{665}", "5\u{301}", "5\0", "--5", "-", "+",
        ]
        for node in refused.map({ plain($0) }) + [quoted("5"), list([]), document([:])] {
            let said = refusal { () throws(DocumentError) in _ = try node.integer(in: -5...5) }
            #expect(said == "f.yaml:7: expected a whole number from -5 to 5 here, found \(node.kind)")
        }
    }

    @Test func boolIsTrueOrFalseOnly() throws {
        #expect(try plain("true").bool() && !plain("false").bool())
        for node in ["", "True", "TRUE", "yes", "no", "on", "off", "y", "1", "0"].map({ plain($0) }) + [quoted("true"), list([]), document([:])] {
            #expect(refusal { () throws(DocumentError) in _ = try node.bool() } == "f.yaml:7: expected true or false here, found \(node.kind)")
        }
    }

    @Test func durationsNamesAndChoices() throws {
        #expect(try plain("250ms").duration() == .milliseconds(250) && quoted("7d").duration() == .seconds(604_800))
        for node in [plain("7"), plain("-7d"), plain(""), list([]), document([:])] {
            let said = refusal { () throws(DocumentError) in _ = try node.duration() }
            #expect(said == "f.yaml:7: expected a span of time such as 250ms, 10s, 20m, 6h or 7d here, found \(node.kind)")
        }
        let model: ModelName = try plain("flight-delay").name()
        #expect(try model.text == "flight-delay" && quoted("null").name(ModelSubject.self).text == "null")
        #expect(refusal { () throws(DocumentError) in _ = try plain("A/b").name(ModelSubject.self) } == "f.yaml:7: \(ModelName.refusal(of: "A/b"))")
        #expect(refusal { () throws(DocumentError) in _ = try plain("").name(ModelSubject.self) } == "f.yaml:7: expected text here, found nothing")
        #expect(try plain("red").choice() == Colour.red && quoted("dark-blue").choice(Colour.self) == .darkBlue)
        for node in [plain("darkBlue"), plain("Red"), plain(""), list([]), document([:])] {
            #expect(refusal { () throws(DocumentError) in _ = try node.choice(Colour.self) } == "f.yaml:7: expected one of red, dark-blue here, found \(node.kind)")
        }
    }
}

@Suite struct DocumentFieldsTests {
    private static let sample = document([
        "decision": .scalar("offer", plain: true), "model": .scalar("m", plain: true), "limits": .list([]), "Decision": .scalar("", plain: true),
    ])

    @Test func takesEachKeyOnceAndNeedsWhatIsThere() throws {
        var fields = try Self.sample.fields()
        #expect(fields.place == place(7))
        #expect(try fields.need("model") == plain("m", line: 9))
        #expect(fields.take("model") == nil && fields.take("outcome") == nil && fields.take("") == nil)
        #expect(fields.take("decision")?.place == place(8))
        #expect(try fields.need("Decision").isNull, "a key without a value is there")
        #expect(refusal { () throws(DocumentError) in _ = try fields.need("entity") } == "f.yaml:7: 'entity' is missing; add it")
        #expect(fields.takeAll().map(\.key) == ["limits"] && fields.takeAll().isEmpty)
        try fields.finish()
    }

    @Test func keysOfTheUsersChoosingComeInTheOrderWritten() throws {
        var fields = try Self.sample.fields()
        _ = fields.take("model")
        let rest = fields.takeAll()
        #expect(rest.map(\.key) == ["decision", "limits", "Decision"] && rest.map(\.place.line) == [8, 10, 11])
        try fields.finish()
    }

    @Test func anEmptyMapHasNothingLeft() throws {
        var fields = try document([:]).fields()
        #expect(fields.take("a") == nil)
        try fields.finish()
    }

    private static let unknown: [(key: String, asked: [String], said: String)] = [
        ("modle", ["decision", "model"], "unknown key 'modle'; did you mean 'model'?"), ("Model", ["decision", "model"], "unknown key 'Model'; did you mean 'model'?"),
        ("model ", ["model"], "unknown key 'model '; did you mean 'model'?"), ("mod", ["model"], "unknown key 'mod'; did you mean 'model'?"),
        ("mo", ["model", "entity"], "unknown key 'mo'; known here: model, entity"), ("weights", ["model"], "unknown key 'weights'; known here: model"),
        ("modem", ["moder", "model"], "unknown key 'modem'; did you mean 'moder'?"), ("", ["model"], "unknown key ''; known here: model"), ("x", [], "unknown key 'x'"),
        (String(repeating: "x", count: 500), ["model"], "unknown key '\(String(repeating: "x", count: 60))'; known here: model"),
    ]

    @Test(arguments: unknown.indices) func anUnknownKeyIsNamedAtItsPlace(_ index: Int) {
        let (key, asked, said) = Self.unknown[index]
        let node = DocumentNode(.map([.init(key: key, place: place(9), value: plain("1", line: 10))]), at: place(7))
        let sentence = refusal { () throws(DocumentError) in
            var fields = try node.fields()
            for key in asked { _ = fields.take(key) }
            try fields.finish()
        }
        #expect(sentence == "f.yaml:9: " + said)
    }

    @Test func theFirstOfSeveralUnknownKeysIsNamed() {
        let sentence = refusal { () throws(DocumentError) in
            var fields = try Self.sample.fields()
            _ = fields.take("decision")
            try fields.finish()
        }
        #expect(sentence == "f.yaml:9: unknown key 'model'; known here: decision")
    }

    @Test func whatIsNotBuiltIsRefusedWithItsReason() throws {
        var fields = try Self.sample.fields()
        try fields.refuseUnbuilt("reasons", because: "no method explains a score")
        let said = refusal { () throws(DocumentError) in try fields.refuseUnbuilt("limits", because: "rates are not counted") }
        #expect(said == "f.yaml:10: 'limits' is not built yet: rates are not counted; leave it out")
        let near = refusal { () throws(DocumentError) in
            var fields = try document(["reason": .list([])]).fields()
            try fields.refuseUnbuilt("reasons", because: "no method explains a score")
            try fields.finish()
        }
        #expect(near == "f.yaml:8: unknown key 'reason'; did you mean 'reasons'?")
    }
}
