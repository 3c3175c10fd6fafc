// A line for a terminal, with what each part of it is, so that the program colours it where somebody looks.
internal import Primitives

package struct StoryLine: Hashable, Sendable {
    package enum Tone: Hashable, Sendable {
        case plain, strong, faint, good, bad, doubtful
    }

    package struct Part: Hashable, Sendable {
        package var text: String
        package var tone: Tone
    }

    package private(set) var parts: [Part] = []

    init(_ text: String = "", _ tone: Tone = .plain) { add(text, tone) }

    /// Whatever somebody wrote in it moves no cursor and begins no line.
    mutating func add(_ text: String, _ tone: Tone = .plain) {
        if !text.isEmpty { parts.append(Part(text: text.harmless, tone: tone)) }
    }

    mutating func pad(to width: Int) { add(String(repeating: " ", count: max(0, width - count))) }

    func adding(_ text: String, _ tone: Tone = .plain) -> StoryLine {
        var line = self
        line.add(text, tone)
        return line
    }

    static func + (left: StoryLine, right: StoryLine) -> StoryLine {
        var line = left
        line.parts += right.parts
        return line
    }

    /// Without spaces at its end.
    var trimmed: StoryLine {
        var line = self
        while let last = line.parts.indices.last, line.parts[last].text.last == " " {
            line.parts[last].text.removeLast()
            if line.parts[last].text.isEmpty { line.parts.removeLast() }
        }
        return line
    }

    package var count: Int { parts.reduce(0) { $0 + $1.text.count } }
    package var plain: String { parts.map(\.text).joined() }

    static func tone(of word: String) -> Tone {
        switch word {
        case "no worse", "met", "live": .good
        case "harm", "failed", "rolled back", "refused", "rejected": .bad
        case "errored", "missing", "inconclusive", "aborted": .doubtful
        default: .plain
        }
    }

    /// Words broken into lines of a width; one word alone may be longer.
    static func wrapped(_ text: String, width: Int) -> [String] {
        var lines: [String] = [], line = ""
        for word in text.harmless.split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return line.isEmpty ? lines : lines + [line]
    }
}
