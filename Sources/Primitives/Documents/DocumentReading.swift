// Strict reading of a document: every key must be known, every value of the right type, and each refusal names its line.

extension DocumentNode {
    /// What the value is called in messages.
    package var kind: String {
        switch value {
        case .scalar(let text, let plain): plain && Self.isNull(text) ? "nothing" : "'\(text.shown(60))'"
        case .list: "a list"
        case .map: "a map"
        }
    }

    package var isNull: Bool {
        if case .scalar(let text, plain: true) = value { Self.isNull(text) } else { false }
    }

    package func fields() throws(DocumentError) -> DocumentFields {
        guard case .map(let entries) = value else { throw DocumentError("expected a map of keys and values here, found \(kind)", at: place) }
        return DocumentFields(entries: entries, place: place)
    }

    package func list() throws(DocumentError) -> [DocumentNode] {
        guard case .list(let items) = value else { throw DocumentError("expected a list here, found \(kind)", at: place) }
        return items
    }

    package func text() throws(DocumentError) -> String {
        guard case .scalar(let text, _) = value, !isNull else { throw DocumentError("expected text here, found \(kind)", at: place) }
        return text
    }

    /// A finite number. `nan`, `inf`, hexadecimal and underscores are refused.
    package func number() throws(DocumentError) -> Double {
        guard case .scalar(let text, plain: true) = value, text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }), let number = Double(text),
            number.isFinite
        else { throw DocumentError("expected a number here, found \(kind)", at: place) }
        return number
    }

    package func integer(in range: ClosedRange<Int>) throws(DocumentError) -> Int {
        guard case .scalar(let text, plain: true) = value, let number = Int(text), range.contains(number) else {
            throw DocumentError("expected a whole number from \(range.lowerBound) to \(range.upperBound) here, found \(kind)", at: place)
        }
        return number
    }

    package func bool() throws(DocumentError) -> Bool {
        switch value {
        case .scalar("true", plain: true): return true
        case .scalar("false", plain: true): return false
        default: throw DocumentError("expected true or false here, found \(kind)", at: place)
        }
    }

    package func duration() throws(DocumentError) -> Duration {
        guard case .scalar(let text, _) = value, let duration = Duration(parsing: text) else {
            throw DocumentError("expected a span of time such as 250ms, 10s, 20m, 6h or 7d here, found \(kind)", at: place)
        }
        return duration
    }

    package func name<Subject>(_ subject: Subject.Type = Subject.self) throws(DocumentError) -> Identifier<Subject> {
        let text = try text()
        guard let name = Identifier<Subject>(text) else { throw DocumentError(Identifier<Subject>.refusal(of: text), at: place) }
        return name
    }

    /// One of the words, by raw value; the message lists them all.
    package func choice<Choice: RawRepresentable<String> & CaseIterable>(_: Choice.Type = Choice.self) throws(DocumentError) -> Choice {
        guard case .scalar(let text, _) = value, let choice = Choice(rawValue: text) else {
            throw DocumentError("expected one of \(Choice.allCases.map(\.rawValue).joined(separator: ", ")) here, found \(kind)", at: place)
        }
        return choice
    }

    private static func isNull(_ text: String) -> Bool { text.isEmpty || text == "~" || text == "null" }
}

/// The keys of one map, taken one by one; whatever is left at the end is unknown and refused.
package struct DocumentFields: ~Copyable {
    package let place: SourcePlace
    private var rest: [DocumentNode.Entry]
    private var asked: [String] = []

    fileprivate init(entries: [DocumentNode.Entry], place: SourcePlace) {
        rest = entries
        self.place = place
    }

    package mutating func take(_ key: String) -> DocumentNode? {
        asked.append(key)
        guard let index = rest.firstIndex(where: { $0.key == key }) else { return nil }
        return rest.remove(at: index).value
    }

    package mutating func need(_ key: String) throws(DocumentError) -> DocumentNode {
        if let node = take(key) { return node }
        guard let meant = rest.first(where: { Self.distance($0.key, key) <= 2 }) else { throw DocumentError("'\(key)' is missing; add it", at: place) }
        throw DocumentError("'\(key)' is missing; rename '\(meant.key.shown(60))' if it is meant", at: meant.place)
    }

    /// All keys not yet taken, for maps whose keys the user chooses.
    package mutating func takeAll() -> [DocumentNode.Entry] {
        defer { rest = [] }
        return rest
    }

    /// A key whose meaning DESIGN fixes but that this version cannot act on: refused, so that nobody relies on it.
    package mutating func refuseUnbuilt(_ key: String, because reason: String) throws(DocumentError) {
        guard let node = take(key) else { return }
        throw DocumentError("'\(key)' is not built yet: \(reason); leave it out", at: node.place)
    }

    /// Call last: refuses the first key that nothing asked for, and names the nearest known one.
    package consuming func finish() throws(DocumentError) {
        guard let unknown = rest.first else { return }
        let near = asked.filter { !$0.isEmpty }.min { Self.distance($0, unknown.key) < Self.distance($1, unknown.key) }
        let hint = near.map { Self.distance($0, unknown.key) <= 2 ? "; did you mean '\($0)'?" : "; known here: \(asked.joined(separator: ", "))" } ?? ""
        throw DocumentError("unknown key '\(unknown.key.shown(60))'\(hint)", at: unknown.place)
    }

    /// Levenshtein distance, cut at 60 characters.
    private static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.prefix(60)), right = Array(right.prefix(60))
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (a == b ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
