// Where Swift code may stop the process or go round the type system, and what it must say then.

enum SafetyRules {
    /// `try!`, `as!`, `fatalError`, and `x!` as an expression or a type.
    static func traps(in source: SwiftSource) -> [Violation] {
        var found: [Violation] = []
        var keywords: Set<Int> = []
        for word in source.words {
            switch word.text {
            case "try", "as":
                guard source.after(word) == UInt8(ascii: "!") else { continue }
                keywords.insert(word.range.upperBound)
                found.append(source.violation(at: word.range.lowerBound, "\(word.text)! traps on what may come from outside; handle the failure"))
            case "fatalError":
                found.append(source.violation(at: word.range.lowerBound, "fatalError says nothing to the caller; throw, or write a precondition with its sentence"))
            default: continue
            }
        }
        for position in source.code.indices where source.code[position] == UInt8(ascii: "!") && !keywords.contains(position) && unwraps(source.code, position) {
            found.append(source.violation(at: position, "a forced unwrap traps on nil; use guard, or a precondition with its sentence"))
        }
        return found.sorted { $0.line < $1.line }
    }

    /// A postfix `!` touches what it unwraps, and `!=` needs no space around it.
    private static func unwraps(_ code: [UInt8], _ position: Int) -> Bool {
        guard position > 0 else { return false }
        let before = code[position - 1], after = position + 1 < code.count ? code[position + 1] : 0
        return after != UInt8(ascii: "=") && (SwiftSource.isWordByte(before) || ")]}\"`?>!".utf8.contains(before)) && !isPrefix(code, position)
    }

    /// `!!x` negates twice: a run of `!` that begins after a space or an opening bracket is no unwrapping.
    private static func isPrefix(_ code: [UInt8], _ position: Int) -> Bool {
        var start = position
        while start > 0, code[start - 1] == UInt8(ascii: "!") { start -= 1 }
        return start == 0 || !(SwiftSource.isWordByte(code[start - 1]) || ")]}\"`?>".utf8.contains(code[start - 1]))
    }

    /// Preconditions are for our own mistakes, and their sentence says which rule was broken.
    static func preconditions(in source: SwiftSource) -> [Violation] {
        let checks: Set = ["precondition", "preconditionFailure", "assert", "assertionFailure"]
        return source.words.filter { checks.contains($0.text) && source.after($0) == UInt8(ascii: "(") }.compactMap { word in
            let argument = source.argument(openingAt: word.range.upperBound)
            let parts = argument.split(separator: "\"", omittingEmptySubsequences: false)
            let sentence = parts.count >= 3 ? parts[1...(parts.count - 2)].joined(separator: "\"") : ""
            return sentence.split(separator: " ").count >= 3 ? nil : source.violation(at: word.range.lowerBound, "\(word.text) needs a sentence that says what must hold")
        }
    }

    /// What the compiler is told not to check, a comment directly above explains; for a type it says "unchecked" and what guards it.
    static func unchecked(in source: SwiftSource) -> [Violation] {
        source.words.compactMap { word in
            let line = source.line(of: word.range.lowerBound)
            let comment = source.comment(above: line).lowercased()
            let isExplained = comment.split(separator: " ").count >= 5
            switch word.text {
            case "unchecked" where source.before(word) == UInt8(ascii: "@"):
                if isExplained, comment.contains("unchecked") { return nil }
                return source.violation(at: word.range.lowerBound, "a comment directly above must say 'Unchecked:' and what guards it")
            case "unsafe" where source.code(line: line).contains("nonisolated(unsafe)"):
                return isExplained ? nil : source.violation(at: word.range.lowerBound, "a comment directly above must say who may use it when")
            default: return nil
            }
        }
    }
}
