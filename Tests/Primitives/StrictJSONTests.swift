// JSON that is signed or stored: one spelling per value, refusals that say where, and no input that traps.
import Primitives
import Testing

@Suite struct StrictJSONTests {
    private struct Sample: Codable, Equatable {
        struct Part: Codable, Equatable {
            var role: Role
            var at: Instant
        }

        var zone: String
        var alpha: Int64
        var ratio: Double
        var flags: [Bool]
        var missing: String?
        var counts: [String: Int]
        var parts: [Part]
        var digest: Digest
    }

    private static let sample: Result<Sample, any Error> = Result {
        Sample(
            zone: "a/b \"c\" \\ \n\t\u{8}\u{c}\r\u{1f}\u{7f}\u{e9}\u{2028}\u{1f600}", alpha: .min, ratio: 0.1, flags: [true, false], missing: nil,
            counts: ["a10": 1, "a9": 2, "B": 3, "a": 4, "\u{e9}": 5, "_": 6, "": 7],
            parts: [.init(role: try #require(Role("risk-owner")), at: Instant(milliseconds: 0))], digest: Digest.of("abc"))
    }

    /// Keys by their bytes, slashes plain, what is absent left out, letters beyond ASCII as they are.
    private static let golden =
        #"{"alpha":-9223372036854775808,"counts":{"":7,"B":3,"_":6,"a":4,"a10":1,"a9":2,"é":5},"#
        + #""digest":"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","flags":[true,false],"#
        + #""parts":[{"at":"1970-01-01T00:00:00.000Z","role":"risk-owner"}],"ratio":0.1,"#
        + #""zone":"a/b \"c\" \\ \n\t\b\f\r\u001f"# + "\u{7f}\u{e9}\u{2028}\u{1f600}\"}"

    @Test func oneValueHasOneSpelling() throws {
        let sample = try Self.sample.get()
        let bytes = StrictJSON.encode(sample)
        #expect(String(decoding: bytes, as: UTF8.self) == Self.golden)
        #expect(bytes.count == Self.golden.utf8.count && bytes == Array(Self.golden.utf8))
        #expect(try StrictJSON.decode(Sample.self, from: bytes) == sample)
    }

    @Test func theOrderOfKeysDoesNotDependOnTheDictionary() {
        let keys = (0..<200).map { "key\($0)" }
        let forward = Dictionary(uniqueKeysWithValues: zip(keys, 0...))
        var backward: [String: Int] = [:]
        for (key, value) in zip(keys, 0...).reversed() { backward[key] = value }
        #expect(StrictJSON.encode(forward) == StrictJSON.encode(backward))
        let text = String(decoding: StrictJSON.encode(forward), as: UTF8.self)
        #expect(text == "{" + forward.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}")
    }

    @Test func numbersAreSpeltShortAndReadBackExactly() throws {
        let golden: [(Double, String)] = [
            (0, "0"), (-0.0, "-0"), (1, "1"), (-1.5, "-1.5"), (0.1, "0.1"), (0.1 + 0.2, "0.30000000000000004"), (100, "100"), (1e-7, "1e-07"), (1e15, "1000000000000000"),
            (1e16, "1e+16"), (9_007_199_254_740_992, "9007199254740992"), (.leastNonzeroMagnitude, "5e-324"), (.greatestFiniteMagnitude, "1.7976931348623157e+308"),
        ]
        for (number, text) in golden { #expect(String(decoding: StrictJSON.encode([number]), as: UTF8.self) == "[\(text)]") }
        var random = SplitMix64(seed: 8)
        let numbers = (0..<10_000).map { _ in Double(bitPattern: random.next()) }.filter(\.isFinite)
        #expect(try StrictJSON.decode([Double].self, from: StrictJSON.encode(numbers)).map(\.bitPattern) == numbers.map(\.bitPattern))
        let integers = (0..<10_000).map { _ in Int64(bitPattern: random.next() >> UInt64(random.below(64))) } + [.min, .max]
        #expect(try StrictJSON.decode([Int64].self, from: StrictJSON.encode(integers)) == integers)
    }

    private static let refused: [String] = [
        "", " ", "nul", "NaN", "[NaN]", "[Infinity]", "[-Infinity]", "[inf]", "[1e999]", "[-1e999]", "[1e400]", "[01]", "[+1]", "[.5]", "[1.]", "[0x10]", "[1_0]", "[,1]",
        "[1 2]", "[1", "1]", "[1]]", "[1][1]", "[1]x", "[1],", "[1] //", "/**/[1]", "[1]\0", "[\"1\"]", "[null]", "[true]", "{}", "{\"a\":1}", "[\u{ff11}]", "['1']", "[1]\u{feff}",
    ]

    @Test(arguments: refused) func refusesAsAListOfNumbers(_ text: String) {
        let error = #expect(throws: DecodingError.self) { try StrictJSON.decode([Double].self, from: Array(text.utf8)) }
        #expect(error.map(StrictJSON.explain)?.isEmpty == false)
    }

    @Test(arguments: ["\"\u{1}\"", "\"a\nb\"", #""\x""#, #""\u12""#, #""\ud800""#, #""\ud800\u0041""#, #""a"#, "'a'", "a", #""a""b""#])
    func refusesAsAText(_ text: String) {
        #expect(throws: DecodingError.self) { try StrictJSON.decode([String].self, from: Array("[\(text)]".utf8)) }
    }

    @Test func refusesTextThatIsNotUTF8() {
        for bad in [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf5, 0x80, 0x80, 0x80]] as [[UInt8]] {
            #expect(throws: DecodingError.self, "\(bad)") { try StrictJSON.decode([String].self, from: Array("[\"a".utf8) + bad + Array("\"]".utf8)) }
        }
    }

    private struct Nested: Codable { var inner: [Nested] }

    @Test func deepNestingIsRefusedAndNeverTraps() throws {
        for depth in [600, 100_000] {
            let lists = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            let maps = String(repeating: "{\"inner\":[", count: depth) + String(repeating: "]}", count: depth)
            for text in [lists, maps, String(repeating: "[", count: depth), String(repeating: "{\"inner\":[", count: depth)] {
                #expect(throws: DecodingError.self) { try StrictJSON.decode(Nested.self, from: Array(text.utf8)) }
            }
        }
        let shallow = String(repeating: "{\"inner\":[", count: 200) + String(repeating: "]}", count: 200)
        #expect(String(decoding: StrictJSON.encode(try StrictJSON.decode(Nested.self, from: Array(shallow.utf8))), as: UTF8.self) == shallow)
    }

    private struct Explained: Decodable {
        struct Item: Decodable { var count: Int }

        var name: ModelName
        var items: [Item]
    }

    @Test(
        "A refusal names the key path",
        arguments: [
            ("{\"items\":[]}", "'name' is missing"),
            ("{\"name\":\"m\",\"items\":[{\"count\":1},{}]}", "'items.[1].count' is missing"),
            ("{\"name\":\"m\",\"items\":[{\"count\":\"1\"}]}", "'items.[0].count': "),
            ("{\"name\":\"m\",\"items\":[{\"count\":null}]}", "'items.[0].count': "),
            ("{\"name\":\"M\",\"items\":[]}", "'name': 'M' is not a name: use 1 to 63 of"),
            ("{\"name\":\"m\",", "it is not valid JSON"), ("", "it is not valid JSON"),
        ]) func explains(_ text: String, _ sentence: String)
    {
        let error = #expect(throws: DecodingError.self) { try StrictJSON.decode(Explained.self, from: Array(text.utf8)) }
        let said = error.map(StrictJSON.explain) ?? ""
        #expect(said.hasPrefix(sentence) && !said.contains("\n"), "\(said)")
    }

    @Test func aNumberThatJSONCannotSpellIsOurMistakeAndTraps() async {
        await #expect(processExitsWith: .failure) { _ = StrictJSON.encode([Double.infinity]) }
        await #expect(processExitsWith: .failure) { _ = StrictJSON.encode([Double.nan]) }
        await #expect(processExitsWith: .success) { _ = StrictJSON.encode([Double.greatestFiniteMagnitude]) }
    }

    /// Whatever is read can be written again: no number comes in that the encoder would trap on.
    @Test func survivesTwentyThousandDamagedDocuments() throws {
        var random = SplitMix64(seed: 9)
        let letters = Array("{}[]:,\"\\0123456789.eE+-untrflsa/ \n".unicodeScalars) + ["\0", "\u{301}", "\u{feff}", "\u{1f600}"]
        var read = 0
        for _ in 0..<20_000 {
            let text = random.damaged(Self.golden, with: letters)
            var bytes = Array(text.utf8)
            if random.below(4) == 0 { bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next()) }
            do {
                let sample = try StrictJSON.decode(Sample.self, from: bytes)
                read += 1
                let written = StrictJSON.encode(sample)
                if try StrictJSON.decode(Sample.self, from: written) != sample || StrictJSON.encode(sample) != written {
                    Issue.record("\(text) changes when written")
                    return
                }
            } catch let error as DecodingError {
                if StrictJSON.explain(error).isEmpty { Issue.record("no sentence for \(text)") }
            }
        }
        #expect((500...19_500).contains(read), "\(read) were read: too few of one side to tell")
    }
}
