// The names of the log's files.

enum SegmentName {
    static let cursor = "cursor"
    /// Becomes the cursor by a rename.
    static let nextCursor = "cursor.new"

    /// Twenty digits hold any sequence, so that names sort as numbers do.
    static func text(of first: UInt64) -> String {
        let digits = String(first)
        return String(repeating: "0", count: 20 - digits.count) + digits + ".seg"
    }

    /// `nil` for what is no segment's name.
    static func first(in name: String) -> UInt64? {
        guard name.hasSuffix(".seg"), let first = UInt64(name.dropLast(4)), first >= 1, text(of: first) == name else { return nil }
        return first
    }
}
