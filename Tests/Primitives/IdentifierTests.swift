// The grammar of names: what may be one, and what must never be.
import Primitives
import Testing

@Suite struct IdentifierTests {
    private static let longest = "a" + String(repeating: "-", count: 62)

    @Test(arguments: [
        "a", "0", "z9", "rebooking-offer", "rebooking-offer-12", "flight_delay.v2", "a.b.c", "a.", "a-", "a_", "a--b", "a__b", "a-.b", "a.-._", "007", "null", "true", "con",
        longest,
    ]) func accepts(_ text: String) {
        #expect(ModelName(text)?.text == text)
        #expect(ModelName(text[...])?.description == text)
    }

    @Test(arguments: [
        "", " ", "a ", " a", "a b", "a\n", "\na", "a\t", "\0", "a\0", "a\0b", "\u{7f}", "A", "aB", "Rebooking", ".", "..", "...", ".a", "-a", "_a", "a..", "a..b", "..a", "a...b",
        "../a", "a/..", "a/b", "/", "/a", "a/", "a\\b", "a:b", "a%2e", "a@b", "a+b", "a,b", "a;b", "a'b", "a\"b", "a*", "a?", "a#b", "a$b", "~a", "a=b", "a&b", "<a>", "{a}",
        "\u{e9}", "e\u{301}", "a\u{301}", "a.\u{301}.b", "\u{301}a", "\u{212a}", "\u{ff41}", "\u{ff11}", "\u{661}", "\u{b2}", "\u{df}", "\u{131}", "\u{200b}", "a\u{200b}",
        "\u{feff}a", "a\u{202e}b", "\u{1f600}", "\u{10ffff}", "a\u{2024}b", "a\u{2025}b", "a\u{2010}b", longest + "-", longest + longest, String(repeating: "a", count: 64),
        String(repeating: "a", count: 100_000), "a" + String(repeating: "\u{301}", count: 1000),
    ]) func refuses(_ text: String) {
        #expect(ModelName(text) == nil)
        #expect(ModelName(text[...]) == nil)
    }

    @Test func everySingleCharacterIsJudged() {
        var accepted = ""
        for value in UInt32(0)...0x2_ffff {
            if let scalar = Unicode.Scalar(value), ModelName(String(scalar)) != nil { accepted.unicodeScalars.append(scalar) }
        }
        #expect(accepted == "0123456789abcdefghijklmnopqrstuvwxyz")
        let second = (UInt32(0)...0x2fff).compactMap(Unicode.Scalar.init).filter { ModelName("a" + String($0)) != nil }
        #expect(String(String.UnicodeScalarView(second)) == "-.0123456789_abcdefghijklmnopqrstuvwxyz")
    }

    /// The grammar once more, read letter by letter.
    static func isName(_ text: String) -> Bool {
        let letters = Set("abcdefghijklmnopqrstuvwxyz0123456789".unicodeScalars), others = Set("._-".unicodeScalars)
        var before: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            guard letters.contains(scalar) || (before != nil && others.contains(scalar) && !(scalar == "." && before == ".")) else { return false }
            before = scalar
        }
        return before != nil && text.unicodeScalars.count <= 63
    }

    @Test func agreesWithTheGrammarReadAloud() {
        var random = SplitMix64(seed: 5)
        let letters = Array("aaz09..-_".unicodeScalars)
        var accepted = 0
        var wrong: [String] = []
        for number in 0..<10_000 {
            let text = random.text(of: number.isMultiple(of: 8) ? letters + ["A", "/", "\0", "\u{e9}"] : letters, upTo: number.isMultiple(of: 3) ? 66 : 8)
            let isName = Self.isName(text)
            accepted += isName ? 1 : 0
            if (ModelName(text)?.text == text) != isName { wrong.append(text) }
        }
        #expect(wrong.isEmpty)
        #expect((2000...8000).contains(accepted), "\(accepted) of the texts are names: too few of one side to tell")
    }

    @Test func isAStringAndAKeyInJSON() throws {
        let names = try ["b", "a.1", "a"].map { try #require(ServiceName($0)) }
        #expect(names.sorted().map(\.text) == ["a", "a.1", "b"])
        #expect(String(decoding: StrictJSON.encode(names), as: UTF8.self) == #"["b","a.1","a"]"#)
        let counts = Dictionary(uniqueKeysWithValues: zip(names, 0...))
        #expect(String(decoding: StrictJSON.encode(counts), as: UTF8.self) == #"{"a":2,"a.1":1,"b":0}"#)
        #expect(try StrictJSON.decode([ServiceName: Int].self, from: Array(#"{"a":2,"a.1":1,"b":0}"#.utf8)) == counts)
        #expect(throws: DecodingError.self) { try StrictJSON.decode([ServiceName: Int].self, from: Array(#"{"a":2,"../a":1}"#.utf8)) }
        #expect(throws: DecodingError.self) { try StrictJSON.decode([ServiceName].self, from: Array(#"["A"]"#.utf8)) }
    }

    @Test func aRefusalQuotesTheNameAndSaysTheGrammar() {
        #expect(ModelName.refusal(of: "A b") == "'A b' is not a name: use 1 to 63 of a-z, 0-9, '.', '_' and '-', starting with a letter or digit")
        #expect(ModelName.refusal(of: String(repeating: "x", count: 100_000)).utf8.count < 200)
    }
}
