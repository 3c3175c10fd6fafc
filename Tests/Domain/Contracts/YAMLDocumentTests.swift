// The YAML parser takes plain documents and refuses what makes YAML mean more than it shows.
import Primitives
import Testing
import YAMLDocuments

@Suite struct YAMLDocumentTests {
    @Test func readsPlainDocumentsWithPlaces() throws {
        let node = try parse("\u{feff}# c\na: 1\nb: [x, 'no', \"a*b &c !d\"]\nc:\n  - {k: v * w}\n  - |\n    *t\n    &u !v\nd:\n")
        guard case .map(let entries) = node.value else { throw DocumentError("no map", at: node.place) }
        #expect(entries.map(\.key) == ["a", "b", "c", "d"])
        #expect(entries.map(\.place.line) == [2, 3, 4, 9])
        #expect(entries[1].value.place.description == "test.yaml:3")
        let items = try entries[1].value.list()
        #expect(items.map(\.value) == [.scalar("x", plain: true), .scalar("no", plain: false), .scalar("a*b &c !d", plain: false)])
        #expect(try entries[2].value.list()[1].value == .scalar("*t\n&u !v\n", plain: false))
        #expect(entries[3].value.isNull)
    }

    @Test func readsJSON() throws {
        let node = try parse("{\"a\": [1, null, \"\\u00e9\"], \"b\": {\"c\": true}}")
        var fields = try node.fields()
        #expect(try fields.need("a").list().map(\.value) == [.scalar("1", plain: true), .scalar("null", plain: true), .scalar("é", plain: false)])
    }

    static let refused: [(text: String, line: Int, says: String)] = [
        ("", 0, "empty"), ("# only\n", 0, "empty"),
        ("a: 1\nb: &x 2\n", 2, "anchors"), ("a: &x {k: 1}\nb: *x\n", 1, "anchors"), ("a: 1\n\nb: *x\n", 3, "aliases"),
        ("&r\na: 1\n", 1, "anchors"), ("a: 1\n? &k b\n: 2\n", 2, "anchors"), ("a: 1\n*x : 2\n", 2, "aliases"),
        ("a: [1,\n &x 2]\n", 2, "anchors"), ("a: [&x 1, *x]\n", 1, "anchors"), ("a: &x\n", 1, "anchors"), ("- &a !!str b\n", 1, "anchors"),
        ("a: 1\nb: !!str 2\n", 2, "tags"), ("a: !!str \"2\"\n", 1, "tags"), ("a: ! x\n", 1, "tags"), ("a: !!binary aGk=\n", 1, "tags"),
        ("a: !!map {b: 1}\n", 1, "tags"), ("a: !!seq [1]\n", 1, "tags"), ("a: !mine\n  b: 1\n", 1, "tags"), ("!!str a: 1\n", 1, "tags"),
        ("é: ü\n\"ö\": !!str 'x'\n", 2, "tags"), ("%TAG ! tag:x,2000:\n---\na: !y z\n", 3, "tags"), ("a: !<tag:yaml.org,2002:str> 'x'\n", 1, "tags"),
        ("a: 1\nb: 2\na: 3\n", 1, "twice"), ("a: 1\n'a': 3\n", 1, "twice"), ("a: {b: 1, \"b\": 2}\n", 1, "twice"),
        ("x*: 1\nx*: 2\n", 1, "twice"),
        ("a: {k: 1}\n<<: {k: 2}\n", 2, "merge"),
        ("a: 1\n---\nb: 2\n", 2, "second document"), ("a: 1\n...\n---\nb: 1\n", 3, "second document"),
        ("? [a]\n: 1\n", 1, "key must be text"), ("? {a: 1}\n: 1\n", 1, "key must be text"), ("~: 1\n", 1, "key must be text"),
        ("? \n: 1\n", 1, "key must be text"), ("null: 1\n", 1, "key must be text"),
        ("a: 1\nb: \u{0}\n", 2, "NUL"), ("a: \"\u{7}\"\n", 1, "character"), ("a: [1\n", 2, "not valid YAML"), ("a:\n\t- b\n", 2, "not valid YAML"),
        ("a: 'x\n", 2, "not valid YAML"), ("a: b: c\n", 1, "not valid YAML"),
    ]

    @Test(arguments: refused.indices) func refuses(_ index: Int) {
        let (text, line, says) = Self.refused[index]
        let error = #expect(throws: DocumentError.self) { try YAMLDocumentParser().parse(Array(text.utf8), file: "f.yaml") }
        #expect(error?.message.contains(says) == true, "\(text.debugDescription): \(error?.message ?? "")")
        #expect(error?.place == SourcePlace(file: "f.yaml", line: line), "\(text.debugDescription): \(error?.description ?? "")")
    }

    @Test func aStarInTextIsNoAlias() throws {
        // A stand-in for the star must not make two keys equal.
        #expect(throws: Never.self) { try parse("a: \"**\"\nb: 2 * 3\n'c*': z*z\n") }
        #expect(throws: Never.self) { try parse("'a*': 1\naz: 2\n") }
    }

    @Test func refusesInvalidUTF8WithItsLine() {
        for bad in [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82]] as [[UInt8]] {
            let bytes = Array("a: 1\nb: \"é".utf8) + bad
            let error = #expect(throws: DocumentError.self) { try YAMLDocumentParser().parse(bytes, file: "f") }
            #expect(error?.place.line == 2 && error?.message.contains("UTF-8") == true)
        }
    }

    @Test func refusesSizeAndDepth() {
        let large = "a: \"" + String(repeating: "x", count: Limits.documentBytes) + "\""
        #expect(refusal { try parse(large) }.contains("bytes"))
        #expect(throws: Never.self) { try parse(nested(Limits.documentDepth - 1)) }
        #expect(refusal { try parse(nested(Limits.documentDepth)) }.contains("deeper"))
        #expect(refusal { try parse(nested(900)) }.contains("deeper"))
        #expect(!refusal { try parse(nested(100_000)) }.isEmpty)
        #expect(!refusal { try parse(String(repeating: "- ", count: 100_000)) }.isEmpty)
        #expect(!refusal { try parse(String(repeating: "? ", count: 100_000)) }.isEmpty)
    }

    private func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth) }

    static let bombs: [String] = {
        let levels = 9
        var values = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        var keys = values
        for level in 1...levels {
            let nine = (0..<9).map { _ in "*a\(level - 1)" }.joined(separator: ",")
            values += "a\(level): &a\(level) [\(nine)]\n"
            keys += "a\(level): &a\(level) [\(nine)]\n"
        }
        keys += "? *a\(levels)\n: 1\n"
        let documents = values + "--- [*a9]\n"
        let spaced = values.replacing(",*", with: " ,\t\n  *")
        return [values, keys, documents, spaced]
    }()

    @Test(arguments: bombs.indices) func refusesBombs(_ index: Int) {
        // Expanded, any of them takes hours and all memory: that this test ends is what it shows.
        #expect(!refusal { try parse(Self.bombs[index]) }.isEmpty)
    }

    @Test(arguments: ["? ", "- ? ", "{? ", "? - ", "\n? "]) func refusesManyStructuredKeys(_ opening: String) {
        let text = String(repeating: opening, count: 400) + "[" + String(repeating: "x,", count: 100_000) + "]"
        #expect(refusal { try parse(text) }.contains("key must be text"))
        let flow = String(repeating: "{", count: 150) + "a" + String(repeating: ": 1} ", count: 150) + ": 1"
        #expect(refusal { try parse(flow) }.contains("key must be text"))
        #expect(throws: Never.self) { try parse("a: \"who? me? ok? so? no? why? \"\nb: {c: [1], d: [2], e: {f: []}}\ng: '?x ?y ?z ?a ?b ?c'\n") }
    }

    @Test func survivesMutations() throws {
        var random = SeededGenerator(state: 7)
        let source = Array(try exampleText("decision.yaml").utf8)
        let letters = Array("&*!|>{}[]:,-?'\"#%@`\n \t~<0a\u{e9}".utf8)
        for _ in 0..<3000 {
            var bytes = source
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = letters.randomElement(using: &random) ?? 0
                case 1: bytes.insert(letters.randomElement(using: &random) ?? 0, at: index)
                default: bytes.remove(at: index)
                }
            }
            _ = try? YAMLDocumentParser().parse(bytes, file: "f")
        }
    }
}
