// No trap on outside input and no unexplained hole in the type system, on today's tree and on planted ones.
import Testing

@Suite struct SafetyTests {
    private static func source(_ text: String) -> SwiftSource { SwiftSource(path: "Sources/A.swift", text: text) }

    @Test func sourcesHoldNoTraps() throws {
        let sources = try Checkout.swift(below: "Sources")
        #expect(sources.count > 80)
        #expect(sources.flatMap(SafetyRules.traps).map(\.description) == [])
        #expect(sources.flatMap(SafetyRules.preconditions).map(\.description) == [])
    }

    @Test func uncheckedSaysWhatGuardsIt() throws {
        let sources = try Checkout.swift(below: "Sources") + Checkout.swift(below: "Tests")
        #expect(sources.flatMap(SafetyRules.unchecked).map(\.description) == [])
    }

    @Test(arguments: [
        "let a = try! b()", "let a = b as! Int", "fatalError()", "fatalError(\"a sentence is not enough\")", "default: fatalError(", "let a = b!", "b!.c()", "b()!", "b[0]!",
        "b?.c!", "f(b!, c)",
        "let a = \"\\(b!)\"", "let a = \"\"\"\n\\(b!)\n\"\"\"", "var a: Int!", "var a: [Int]!", "var a: B<C>!", "`in`!", "{ b }()!", "\"1\".first!", "b!!", "b! = 1",
        "let a = b! == c",
        "b!\n", "(b)! ? c : d", "a = #\"\\#(b!)\"#", "/* a */ b!", "x.map { $0! }",
    ]) func aPlantedTrapIsFound(_ text: String) { #expect(!SafetyRules.traps(in: Self.source(text)).isEmpty) }

    @Test(arguments: [
        "// try! as! b! fatalError(", "/* b! /* c! */ d! */", "let a = \"b! try! \\(c) fatalError()\"", "let a = #\"b!\\(c!)\"#", "let a = \"\"\"\nb! try!\n\"\"\"", "if !a {}",
        "f(!a)", "[!a]",
        "{ !$0 }", "a != b", "a!=b", "a !== b", "!!a", "a && !b", "a = !b", "return !a", "try? a", "a as? B", "a ?? !b", "#if !os(Linux)", "!a.b", "x.filter(!)", "case !a: b",
        "let fatalErrors = 1", "f(\"\\\"!\", b)", "f(\"\\\\\", !b)",
    ]) func whatOnlyLooksLikeATrapIsNone(_ text: String) { #expect(SafetyRules.traps(in: Self.source(text)).map(\.description) == []) }

    @Test(arguments: [
        ("precondition(a)", 1), ("preconditionFailure()", 1), ("precondition(a == \"b\")", 1), ("preconditionFailure(\"no\")", 1), ("assert(a > b)", 1),
        ("assertionFailure(\"bad\")", 1),
        ("precondition(f(a, \"b c\"))\n// with a sentence \"far away from it\"", 1), ("precondition(a, \"each entry has its own list\")", 0),
        ("preconditionFailure(\n    \"a role is a name: \\(text)\")", 0),
        ("guard a else { preconditionFailure(\"\\(b.c) is a method in our own table\") }", 0), ("// precondition(a)", 0), ("let precondition = 1", 0),
        ("f(\"precondition(a)\")", 0),
    ]) func aPreconditionNeedsItsSentence(_ text: String, _ count: Int) { #expect(SafetyRules.preconditions(in: Self.source(text)).count == count) }

    @Test(arguments: [
        ("final class A: @unchecked Sendable {}", 1), ("// Unchecked: the event loop is the only caller.\n\nfinal class A: @unchecked Sendable {}", 1),
        ("/// A thing with a long explanation of itself.\nfinal class A: @unchecked Sendable {}", 1), ("// Unchecked\nfinal class A: @unchecked Sendable {}", 1),
        ("final class A: @unchecked Sendable {\n    // Unchecked: the event loop is the only caller.\n}", 1),
        ("struct A: @unchecked Sendable {} // Unchecked: only its owner calls it.", 1),
        ("/// A thing.\n///\n/// Unchecked: the event loop is the only caller.\nfinal class A: @unchecked Sendable {}", 0),
        ("/// `@unchecked`: only its iterator calls it.\n@safe\nextension A: @retroactive @unchecked Sendable {}", 0),
        ("// @unchecked Sendable\nlet a = \"@unchecked Sendable\"", 0),
        ("nonisolated(unsafe) var a = 1", 1), ("// Set once before the first thread starts.\nnonisolated(unsafe) var a = 1", 0), ("let a = unsafe b", 0),
    ]) func anUncheckedTypeNeedsItsGuardNamed(_ text: String, _ count: Int) { #expect(SafetyRules.unchecked(in: Self.source(text)).count == count) }
}
