// Swift text with code, comments and the contents of literals told apart, so that a rule looks only at what it is about.

/// A Swift file as the rules read it.
///
/// `code` is as long as the text; comments and what stands between quotes are spaces in it, the quotes and interpolated code stay. `comments` is the
/// reverse. Regex literals are read as code; a quote in one spoils at most the rest of its line.
struct SwiftSource: Sendable {
    struct Word: Sendable {
        var text: String
        var range: Range<Int>
    }

    let path: String
    let text: [UInt8]
    let code: [UInt8]
    let comments: [UInt8]
    let words: [Word]
    private let lineStarts: [Int]

    init(path: String, text: String) {
        self.path = path
        var masker = Masker(text: Array(text.utf8))
        masker.run()
        self.text = masker.text
        code = masker.code
        comments = masker.comments
        words = Self.words(in: masker.code)
        lineStarts = [0] + masker.text.indices.filter { masker.text[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
    }

    /// The first folder under `Sources`; empty for what lies elsewhere.
    var layer: String { path.hasPrefix("Sources/") ? String(path.dropFirst(8).prefix { $0 != "/" }) : "" }

    /// The number of the line, from 1, in which a byte stands.
    func line(of position: Int) -> Int {
        var low = 0, high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= position { low = middle } else { high = middle }
        }
        return low + 1
    }

    private func part(_ bytes: [UInt8], line: Int) -> String {
        guard (1...lineStarts.count).contains(line) else { return "" }
        let end = line < lineStarts.count ? lineStarts[line] - 1 : bytes.count
        let content = bytes[lineStarts[line - 1]..<end].drop { $0 <= 32 }
        return String(decoding: content.prefix(content.count - content.reversed().prefix { $0 <= 32 }.count), as: UTF8.self)
    }

    func code(line: Int) -> String { part(code, line: line) }

    func comment(line: Int) -> String { part(comments, line: line) }

    /// The comment lines that stand directly above a line, attributes in between left aside.
    func comment(above line: Int) -> String {
        var line = line - 1
        while line > 0, code(line: line).hasPrefix("@") { line -= 1 }
        var lines: [String] = []
        while line > 0, code(line: line).isEmpty, !comment(line: line).isEmpty {
            lines.insert(comment(line: line), at: 0)
            line -= 1
        }
        return lines.joined(separator: " ")
    }

    func before(_ word: Word) -> UInt8 { word.range.lowerBound > 0 ? code[word.range.lowerBound - 1] : 0 }

    func after(_ word: Word) -> UInt8 { word.range.upperBound < code.count ? code[word.range.upperBound] : 0 }

    func violation(at position: Int, _ message: String) -> Violation { Violation(path: path, line: line(of: position), message: message) }

    /// Each `import`: the module, and the word that says how far it is seen.
    var imports: [(module: String, access: String, position: Int)] {
        let kinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        return words.indices.filter { words[$0].text == "import" }.compactMap { index in
            let names = words[(index + 1)...].prefix(2).map(\.text)
            guard let first = names.first else { return nil }
            let previous = index > 0 && line(of: words[index - 1].range.lowerBound) == line(of: words[index].range.lowerBound) ? words[index - 1].text : ""
            return (kinds.contains(first) ? names.last ?? first : first, previous, words[index].range.lowerBound)
        }
    }

    /// What stands between the parenthesis that opens at a position and the one that closes it, in the text as written.
    func argument(openingAt position: Int) -> Substring {
        var depth = 0
        for index in position..<code.count {
            if code[index] == UInt8(ascii: "(") { depth += 1 }
            if code[index] == UInt8(ascii: ")") { depth -= 1 }
            if depth == 0 { return String(decoding: text[position...index], as: UTF8.self)[...] }
        }
        return ""
    }

    static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 128...: true
        default: false
        }
    }

    private static func words(in code: [UInt8]) -> [Word] {
        var words: [Word] = []
        var start: Int?
        for index in 0...code.count {
            if index < code.count, isWordByte(code[index]) {
                start = start ?? index
            } else if let first = start {
                words.append(Word(text: String(decoding: code[first..<index], as: UTF8.self), range: first..<index))
                start = nil
            }
        }
        return words
    }
}

/// One breach of one rule.
struct Violation: CustomStringConvertible {
    var path: String
    var line: Int = 0
    var message: String

    var description: String { line > 0 ? "\(path):\(line): \(message)" : "\(path): \(message)" }
}

/// Walks over the text once, and copies each byte to the side that it belongs to.
private struct Masker {
    let text: [UInt8]
    var code: [UInt8]
    var comments: [UInt8]
    private var position = 0

    init(text: [UInt8]) {
        self.text = text
        code = text.map { $0 == UInt8(ascii: "\n") ? $0 : UInt8(ascii: " ") }
        comments = code
    }

    mutating func run() {
        while position < text.count {
            readCode()
            if position < text.count { keep() }
        }
    }

    private func starts(_ prefix: StaticString, at offset: Int = 0) -> Bool {
        let start = position + offset
        return start + prefix.utf8CodeUnitCount <= text.count
            && (0..<prefix.utf8CodeUnitCount).allSatisfy { text[start + $0] == prefix.utf8Start[$0] }
    }

    private mutating func keep(_ count: Int = 1) {
        for _ in 0..<count where position < text.count {
            code[position] = text[position]
            position += 1
        }
    }

    /// Reads code up to the parenthesis that closes more than was opened, or to the end.
    private mutating func readCode() {
        var depth = 0
        while position < text.count {
            switch text[position] {
            case UInt8(ascii: "/") where starts("//"): readLineComment()
            case UInt8(ascii: "/") where starts("/*"): readBlockComment()
            case UInt8(ascii: "\""), UInt8(ascii: "#"):
                if let pounds = literalPounds() { readLiteral(pounds) } else { keep() }
            case UInt8(ascii: "("):
                depth += 1
                keep()
            case UInt8(ascii: ")"):
                if depth == 0 { return }
                depth -= 1
                keep()
            default: keep()
            }
        }
    }

    private mutating func readLineComment() {
        while position < text.count, !starts("\n") {
            comments[position] = text[position]
            position += 1
        }
    }

    private mutating func readBlockComment() {
        var depth = 0
        repeat {
            if starts("/*") {
                depth += 1
                position += 2
            } else if starts("*/") {
                depth -= 1
                position += 2
            } else {
                comments[position] = text[position]
                position += 1
            }
        } while position < text.count && depth > 0
    }

    /// The number of `#` before the quote, when a string literal begins here.
    private func literalPounds() -> Int? {
        var pounds = 0
        while starts("#", at: pounds) { pounds += 1 }
        return starts("\"", at: pounds) ? pounds : nil
    }

    private func closes(_ quotes: StaticString, _ pounds: Int) -> Bool {
        starts(quotes) && (0..<pounds).allSatisfy { starts("#", at: quotes.utf8CodeUnitCount + $0) }
    }

    private mutating func readLiteral(_ pounds: Int) {
        keep(pounds)
        let rest = text[min(position + 3, text.count)...].prefix { $0 != UInt8(ascii: "\n") }
        let isMultiline = starts("\"\"\"") && rest.allSatisfy { $0 <= 32 }
        let quotes: StaticString = isMultiline ? "\"\"\"" : "\""
        keep(quotes.utf8CodeUnitCount)
        while position < text.count, !closes(quotes, pounds) {
            if !isMultiline, starts("\n") { return }
            guard starts("\\"), (0..<pounds).allSatisfy({ starts("#", at: 1 + $0) }) else {
                position += 1
                continue
            }
            position += 1 + pounds
            if starts("(") {
                keep()
                readCode()
                keep()
            } else {
                position = min(position + 1, text.count)
            }
        }
        keep(quotes.utf8CodeUnitCount + pounds)
    }
}
