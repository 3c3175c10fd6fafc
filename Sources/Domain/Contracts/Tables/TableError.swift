// Why a table cannot be taken.

/// The line and what is wrong there. Never more than the first 60 characters of a value.
package struct TableError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Counted from 1, the header of a CSV file being line 1.
    package var line: Int
    package var message: String

    package init(line: Int, message: String) {
        self.line = line
        self.message = message
    }

    package var description: String { "line \(line): \(message)" }
}
