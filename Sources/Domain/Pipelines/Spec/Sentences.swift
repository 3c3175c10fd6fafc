// Names and texts of others inside our own sentences.

/// Names in a list, at most twelve of them.
func spelled(_ names: [some CustomStringConvertible]) -> String {
    guard !names.isEmpty else { return "none" }
    return names.prefix(12).map(\.description).joined(separator: ", ") + (names.count > 12 ? ", … (\(names.count) in all)" : "")
}

/// The first scalars of a text. Characters would not do: one of them may be of any length.
func cut(_ text: some StringProtocol, to count: Int) -> String { String(String.UnicodeScalarView(text.unicodeScalars.prefix(count))) }

/// A value at most 60 scalars long, without line ends and other controls that could pass for a line of ours.
func onOneLine(_ text: String) -> String {
    let shown = text.unicodeScalars.prefix(60).map { $0.properties.generalCategory == .control || $0 == "\u{2028}" || $0 == "\u{2029}" ? " " : String($0) }
    return shown.joined() + (text.unicodeScalars.count > 60 ? "…" : "")
}
