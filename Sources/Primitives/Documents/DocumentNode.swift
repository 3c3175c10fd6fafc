// What a user's file says, value by value, each with its place.

/// Where in which file something stands, for messages: `decision.yaml:12`.
package struct SourcePlace: Hashable, Sendable, CustomStringConvertible {
    package var file: String
    /// Counted from 1; 0 when the place is the whole file.
    package var line: Int

    package init(file: String, line: Int) {
        self.file = file
        self.line = line
    }

    package var description: String { line > 0 ? "\(file):\(line)" : file }
}

/// One node of a parsed YAML or JSON file. Aliases, tags, duplicate keys and non-text keys were refused by the parser.
package struct DocumentNode: Hashable, Sendable {
    package enum Value: Hashable, Sendable {
        /// `plain` is true when the text stood without quotes, so that `no` and `"no"` stay apart.
        case scalar(String, plain: Bool)
        case list([DocumentNode])
        /// In the order written.
        case map([Entry])
    }

    package struct Entry: Hashable, Sendable {
        package var key: String
        package var place: SourcePlace
        package var value: DocumentNode

        package init(key: String, place: SourcePlace, value: DocumentNode) {
            self.key = key
            self.place = place
            self.value = value
        }
    }

    package var value: Value
    package var place: SourcePlace

    package init(_ value: Value, at place: SourcePlace) {
        self.value = value
        self.place = place
    }
}

/// A user's file says something that cannot be taken: where, what, and what to write instead.
package struct DocumentError: Error, Hashable, Sendable, CustomStringConvertible {
    package var place: SourcePlace
    /// One sentence without a full stop, with the remedy.
    package var message: String

    package init(_ message: String, at place: SourcePlace) {
        self.message = message
        self.place = place
    }

    package var description: String { "\(place): \(message)" }
}
