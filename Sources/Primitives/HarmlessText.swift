// What somebody else wrote, made safe to show.

extension String {
    /// Text that somebody else wrote, such as a reason or a file name: what would move the cursor, begin a line, change colours or turn the writing
    /// direction becomes a mark.
    package var harmless: String {
        guard !unicodeScalars.allSatisfy(\.isHarmless) else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.map { $0.isHarmless ? $0 : "\u{FFFD}" }))
    }
}

extension Unicode.Scalar {
    package var isHarmless: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: false
        default: true
        }
    }
}
