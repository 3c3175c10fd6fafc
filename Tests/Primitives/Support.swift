// Seeded randomness, and damage done to text, alike on every machine and in every run.

/// SplitMix64 of Steele, Lea and Flood (2014).
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// A number from 0 to below `bound`.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    mutating func bytes(upTo count: Int) -> [UInt8] { (0..<below(count + 1)).map { _ in UInt8(truncatingIfNeeded: next()) } }

    mutating func text(of letters: [Unicode.Scalar], upTo count: Int) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<below(count + 1) { text.append(pick(letters)) }
        return String(text)
    }

    /// The text with one to three letters put in, taken out, replaced or swapped.
    mutating func damaged(_ text: String, with letters: [Unicode.Scalar]) -> String {
        var scalars = Array(text.unicodeScalars)
        for _ in 0...below(3) {
            guard !scalars.isEmpty else { return String(pick(letters)) }
            let index = below(scalars.count)
            switch below(5) {
            case 0: scalars[index] = pick(letters)
            case 1: scalars.insert(pick(letters), at: index)
            case 2: scalars.remove(at: index)
            case 3: scalars.swapAt(index, below(scalars.count))
            default: scalars.insert(contentsOf: scalars[index...].prefix(below(4)), at: index)
            }
        }
        return String(String.UnicodeScalarView(scalars))
    }

    /// Texts for a parser: by turns damaged valid ones and letters at random.
    mutating func inputs(_ count: Int, from valid: [String], letters: String) -> [String] {
        let letters = Array(letters.unicodeScalars) + Self.strange
        return (0..<count).map { $0.isMultiple(of: 2) ? damaged(pick(valid), with: letters) : text(of: letters, upTo: 24) }
    }

    /// NUL, controls, combining marks, full-width and other digits, a letter that equals an ASCII one, beyond the first plane.
    private static let strange: [Unicode.Scalar] = [
        "\0", "\n", "\r", "\u{7f}", "\u{301}", "\u{ff11}", "\u{661}", "\u{b2}", "\u{212a}", "\u{37e}", "\u{200d}", "\u{feff}", "\u{fffd}", "\u{1f600}", "\u{10ffff}",
    ]
}
