// The reader of Swift text itself: what it takes for code, what for comment, and what for a literal's content.
import Testing

@Suite struct SwiftSourceTests {
    private static let read: [(text: String, code: String, comment: String)] = [
        ("let a = b! // c!", "let a = b!", "// c!"), ("a /* b! /* c! */ d! */ e", "a                      e", "b!    c!    d!"),
        (#"f("a! // b", c!)"#, #"f("       ", c!)"#, ""), (#"f("a\(b! + c("d!"))e!")"#, #"f("  (b! + c("  "))  ")"#, ""),
        (##"f(#"a" \(b!) \#(c!) "!"#)"##, ##"f(#"           (c!)   "#)"##, ""), (#"f("\\", b!)"#, #"f("  ", b!)"#, ""), (#"f("\"!", b!)"#, #"f("   ", b!)"#, ""),
        ("f(\"\"\"\na! \" b!\n\\(c!) // d\n\"\"\", e!)", "f(\"\"\"\n\n (c!)\n\"\"\", e!)", ""), ("f(\"\", b!)", "f(\"\", b!)", ""), (##"f(#"""#, b!)"##, ##"f(#" "#, b!)"##, ""),
        ("f(\"a\nb!", "f(\"\nb!", ""), ("a ? b : c / d", "a ? b : c / d", ""), ("f(\"\u{e9}//\u{e9}\") // \u{e9}", "f(\"      \")", "// \u{e9}"),
        ("#if os(Linux)", "#if os(Linux)", ""),
    ]

    @Test(arguments: read.indices) func codeAndCommentAreToldApart(_ index: Int) {
        let (text, code, comment) = Self.read[index]
        let source = SwiftSource(path: "a.swift", text: text)
        let lines = 1...text.split(separator: "\n", omittingEmptySubsequences: false).count
        #expect(source.code.count == text.utf8.count && source.comments.count == text.utf8.count)
        #expect(lines.map { source.code(line: $0) } == code.split(separator: "\n", omittingEmptySubsequences: false).map { $0.drop { $0 == " " } }.map(String.init))
        #expect(lines.map { source.comment(line: $0) }.joined() == comment)
    }

    @Test func importsAreFoundInEveryForm() {
        let source = SwiftSource(
            path: "a.swift",
            text: "import A\nprivate import B\n@preconcurrency internal import C\nprivate import enum D.E\n// import F\nlet g = \"import G\"\n#if canImport(H)\n#endif\n")
        #expect(source.imports.map(\.module) == ["A", "B", "C", "D"])
        #expect(source.imports.map(\.access) == ["", "private", "internal", "private"])
        #expect(source.imports.map { source.line(of: $0.position) } == [1, 2, 3, 4])
    }

    @Test func aCommentAboveIsWhatTouches() {
        let source = SwiftSource(path: "a.swift", text: "// far\n\n/// near,\n/// in two lines\n@safe\nstruct A {}\nstruct B {}\n\nstruct C {}\n")
        #expect(source.comment(above: 6) == "/// near, /// in two lines")
        #expect(source.comment(above: 7) == "" && source.comment(above: 9) == "" && source.comment(above: 1) == "")
    }

    @Test func anArgumentEndsAtItsOwnParenthesis() {
        let source = SwiftSource(path: "a.swift", text: "f(a(1), \")\", b)(c)")
        #expect(source.argument(openingAt: 1) == "(a(1), \")\", b)")
        #expect(SwiftSource(path: "a.swift", text: "f(a").argument(openingAt: 1) == "")
    }
}
