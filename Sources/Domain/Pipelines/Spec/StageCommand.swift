// The command of a stage: words, as a shell would split them, and nothing else that a shell does.
package import Primitives

/// A program and its arguments, handed to the system as they are: no shell reads them.
///
/// Spaces and tabs separate words. Single quotes hold everything, double quotes everything but `$`, a backtick and `\`. What a shell
/// would expand, redirect, join or glob is refused, so that a command never means less here than it does in a terminal.
package struct StageCommand: Hashable, Sendable {
    package static let mostBytes = 8192

    package let words: [String]

    /// For the stages that Penstock carries out itself, whose settings are spelled like a command.
    init(words: [String]) { self.words = words }

    package static func read(_ node: DocumentNode) throws(DocumentError) -> StageCommand {
        var splitter = WordSplitter(place: node.place)
        let words = try splitter.split(node.text())
        guard let program = words.first else { throw DocumentError("the command is empty; write a program and its arguments", at: node.place) }
        guard !program.isEmpty, !program.utf8.contains(UInt8(ascii: "=")) else {
            throw DocumentError("a command begins with a program, not with '\(cut(program, to: 60))'; give values as parameters", at: node.place)
        }
        return StageCommand(words: words)
    }

    /// One spelling per list of words, which reads back as the same list. Frozen: fingerprints hold it.
    package var spelled: String { words.map(Self.quoted).joined(separator: " ") }

    /// The folder of the stage's script: of the program, when that is a relative path, or else of the first argument with a `/` that is no
    /// option. `nil` when there is none, or it lies directly in the project.
    package var scriptFolder: ProjectPath? {
        let script = words.enumerated().first { index, word in
            let first = word.utf8.first
            return word.utf8.contains(UInt8(ascii: "/")) && first != UInt8(ascii: "-") && (index > 0 || first != UInt8(ascii: "/"))
        }
        return script.flatMap { ProjectPath($0.element)?.folder }
    }

    private static func quoted(_ word: String) -> String {
        let isPlain = !word.isEmpty && word.unicodeScalars.allSatisfy { plain.contains($0) || $0.value > 0x7f }
        if isPlain { return word }
        // A single quote stands in double quotes, all else in single ones.
        let parts = word.unicodeScalars.split(separator: "'", omittingEmptySubsequences: false).map { String($0) }
        return "'" + parts.joined(separator: "'\"'\"'") + "'"
    }

    private static let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%".unicodeScalars)
}

/// Splits one command, and refuses at the first thing that only a shell could do.
private struct WordSplitter {
    let place: SourcePlace
    private var words: [String] = []
    /// `nil` between words; empty after a pair of quotes.
    private var word: String?

    init(place: SourcePlace) { self.place = place }

    mutating func split(_ text: String) throws(DocumentError) -> [String] {
        guard text.utf8.count <= StageCommand.mostBytes else {
            throw refusal("a command has at most \(StageCommand.mostBytes) bytes; move it into a script")
        }
        var quote: Unicode.Scalar?
        var scalars = Array(text.unicodeScalars)
        // A block of YAML ends with a line feed.
        while scalars.last == "\n" { scalars.removeLast() }
        for scalar in scalars {
            guard scalar.value > 0x1f && scalar.value != 0x7f || scalar == "\t" else {
                throw refusal("a command is one line without control characters; move the rest into a script")
            }
            switch (quote, scalar) {
            case ("'", "'"), ("\"", "\""): quote = nil
            case ("\"", "$"), ("\"", "`"), ("\"", "\\"): throw expansion(scalar)
            case (.some, _): word?.unicodeScalars.append(scalar)
            case (nil, "'"), (nil, "\""):
                quote = scalar
                word = word ?? ""
            case (nil, " "), (nil, "\t"): endWord()
            case (nil, _): try take(scalar)
            }
        }
        guard quote == nil else { throw refusal("a quote in the command does not end; close it") }
        endWord()
        return words
    }

    private mutating func take(_ scalar: Unicode.Scalar) throws(DocumentError) {
        let startsWord = word == nil
        guard !"$`\\;|&<>(){}[]*?!".unicodeScalars.contains(scalar), !(startsWord && (scalar == "~" || scalar == "#")) else { throw expansion(scalar) }
        word = word ?? ""
        word?.unicodeScalars.append(scalar)
    }

    private mutating func endWord() {
        if let word { words.append(word) }
        word = nil
    }

    private func expansion(_ scalar: Unicode.Scalar) -> DocumentError {
        refusal("no shell reads the command, so '\(scalar)' would do nothing; put it in single quotes, or move it into a script")
    }

    private func refusal(_ message: String) -> DocumentError { DocumentError(message, at: place) }
}
