// Users' YAML and JSON files as documents, with everything refused that makes YAML mean more than it shows.
private import Ports
package import Primitives
private import Yams

/// Parses with Yams, and refuses anchors, aliases, tags, merge keys, duplicate or structured keys and second documents.
///
/// Yams expands aliases while it composes and hashes keys, so an alias bomb in a key would cost exponential time before any tree could be
/// looked at. So the text is composed first with every `*` replaced by a character that it does not hold: without a star no alias can
/// exist. Only when that tree holds no anchor is the text itself composed, and then any alias in it is undefined and refused at once.
/// Anchors are found where a node begins in the text: Yams holds `Node.anchor` weakly, and it is gone when the parser is.
package struct YAMLDocumentParser: DocumentParser {
    package init() {}

    package func parse(_ bytes: [UInt8], file: String) throws(DocumentError) -> DocumentNode {
        let text = try Self.text(bytes, file: file)
        try Self.refuseManyStructuredKeys(bytes, file: file)
        if bytes.contains(UInt8(ascii: "*")) {
            let used = Set(text.unicodeScalars)
            let stand = (UInt32(0xe000)...0xf8ff).lazy.compactMap(Unicode.Scalar.init).first { !used.contains($0) }
            guard let stand else { throw DocumentError("the file holds every private-use character; remove some", at: SourcePlace(file: file, line: 0)) }
            let harmless = String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "*" ? stand : $0 }))
            _ = try Composition(harmless, file: file).document()
        }
        return try Composition(text, file: file).document()
    }

    /// Yams hashes a whole list or map that is a key, at each level again, so a few hundred nested ones would cost minutes before the
    /// tree shows them. What looks like one is counted: `? ` where a token may begin, and `]` or `}` before a colon.
    private static func refuseManyStructuredKeys(_ bytes: [UInt8], file: String) throws(DocumentError) {
        let most = 4
        var line = 1
        var found = 0
        var before = UInt8(ascii: "\n")
        var beforeSpaces = before
        for (index, byte) in bytes.enumerated() {
            let isSpace = byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0x0a
            let startsToken = before <= 0x20 || "[{,:?-".utf8.contains(before)
            if byte == UInt8(ascii: "?"), startsToken, next <= 0x20 { found += 1 }
            if byte == UInt8(ascii: ":"), beforeSpaces == UInt8(ascii: "]") || beforeSpaces == UInt8(ascii: "}") { found += 1 }
            guard found <= most else {
                throw DocumentError(
                    "a key must be text, and this file seems to have lists or maps as keys ('? ', ']:' or '}:'); rewrite them",
                    at: SourcePlace(file: file, line: line))
            }
            if byte == 0x0a { line += 1 }
            before = byte
            if !isSpace { beforeSpaces = byte }
        }
    }

    private static func text(_ bytes: [UInt8], file: String) throws(DocumentError) -> String {
        let whole = SourcePlace(file: file, line: 0)
        guard bytes.count <= Limits.documentBytes else {
            throw DocumentError("the file has \(bytes.count) bytes; at most \(Limits.documentBytes) are read", at: whole)
        }
        func place(of index: Int) -> SourcePlace {
            SourcePlace(file: file, line: 1 + bytes[..<index].count { $0 == UInt8(ascii: "\n") })
        }
        if let index = bytes.firstIndex(of: 0) { throw DocumentError("a NUL byte is no text; save the file as UTF-8", at: place(of: index)) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let valid = zip(String(decoding: bytes, as: UTF8.self).utf8, bytes).prefix { $0 == $1 }.count
            throw DocumentError("the file is not valid UTF-8; save it as UTF-8", at: place(of: min(valid, bytes.count)))
        }
        return text.unicodeScalars.first == "\u{feff}" ? String(text.unicodeScalars.dropFirst()) : text
    }
}

/// One text's tree, on its way to a document.
private struct Composition {
    private let file: String
    private let root: Node
    private let scalars: [Unicode.Scalar]
    /// Where each line begins in `scalars`.
    private let lines: [Int]

    init(_ text: String, file: String) throws(DocumentError) {
        self.file = file
        do {
            guard let node = try Yams.compose(yaml: text, .basic, .default, .utf8) else {
                throw DocumentError("the file is empty; write what it is for", at: SourcePlace(file: file, line: 0))
            }
            root = node
        } catch let error as DocumentError {
            throw error
        } catch {
            throw Self.explain(error, file: file)
        }
        scalars = Array(text.unicodeScalars)
        lines = Self.lines(of: scalars)
    }

    func document() throws(DocumentError) -> DocumentNode { try document(root, depth: 0) }

    private func document(_ node: Node, depth: Int) throws(DocumentError) -> DocumentNode {
        let place = place(of: node)
        guard depth < Limits.documentDepth else { throw DocumentError("maps and lists nest deeper than \(Limits.documentDepth); flatten them", at: place) }
        let first = first(of: node)
        guard first != "&" else { throw DocumentError("anchors and aliases (& and *) are refused; write the value out", at: place) }
        // The text itself is looked at, because Yams gives a quoted scalar the tag of text whether or not one was written.
        guard first != "!" else { throw DocumentError("tags (!) are refused; write the plain value, in quotes where it is text", at: place) }
        switch node {
        case .scalar(let scalar):
            return DocumentNode(.scalar(scalar.string, plain: scalar.style == .plain), at: place)
        case .sequence(let sequence):
            var items: [DocumentNode] = []
            for item in sequence { items.append(try document(item, depth: depth + 1)) }
            return DocumentNode(.list(items), at: place)
        case .mapping(let mapping):
            return DocumentNode(.map(try entries(of: mapping, depth: depth)), at: place)
        case .alias:
            throw DocumentError("anchors and aliases (& and *) are refused; write the value out", at: place)
        }
    }

    private func entries(of mapping: Node.Mapping, depth: Int) throws(DocumentError) -> [DocumentNode.Entry] {
        var entries: [DocumentNode.Entry] = []
        var keys: Set<String> = []
        for pair in mapping {
            let key = try document(pair.key, depth: depth + 1)
            guard case .scalar(let name, let plain) = key.value, !key.isNull else {
                throw DocumentError("a key must be text, found \(key.kind)", at: key.place)
            }
            if plain, name == "<<" { throw DocumentError("merge keys (<<) are refused; write the keys out", at: key.place) }
            guard keys.insert(name).inserted else { throw DocumentError("the key '\(name.prefix(60))' stands twice; keep one", at: key.place) }
            entries.append(DocumentNode.Entry(key: name, place: key.place, value: try document(pair.value, depth: depth + 1)))
        }
        return entries
    }

    private func place(of node: Node) -> SourcePlace { SourcePlace(file: file, line: node.mark?.line ?? 0) }

    /// The character at which the node begins, its properties included.
    private func first(of node: Node) -> Unicode.Scalar? {
        guard let mark = node.mark, lines.indices.contains(mark.line - 1) else { return nil }
        let index = lines[mark.line - 1] + mark.column - 1
        return scalars.indices.contains(index) ? scalars[index] : nil
    }

    /// Lines as libyaml counts them: after LF, CR LF, CR, NEL, LS and PS.
    private static func lines(of scalars: [Unicode.Scalar]) -> [Int] {
        var lines = [0]
        for (index, scalar) in scalars.enumerated() {
            switch scalar {
            case "\n", "\u{85}", "\u{2028}", "\u{2029}": lines.append(index + 1)
            case "\r" where index + 1 == scalars.count || scalars[index + 1] != "\n": lines.append(index + 1)
            default: break
            }
        }
        return lines
    }

    private static func explain(_ error: any Error, file: String) -> DocumentError {
        func at(_ mark: Mark) -> SourcePlace { SourcePlace(file: file, line: mark.line) }
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _):
            return DocumentError("this is not valid YAML: \(problem)", at: at(mark))
        case .composer(_, let problem, let mark, _):
            if problem.contains("alias") { return DocumentError("anchors and aliases (& and *) are refused; write the value out", at: at(mark)) }
            if problem.contains("document") { return DocumentError("a second document begins; a file holds one", at: at(mark)) }
            return DocumentError("this is not valid YAML: \(problem)", at: at(mark))
        case .duplicatedKeysInMapping(let keys, let context):
            return DocumentError("the key '\(keys.first?.prefix(60) ?? "")' stands twice; keep one", at: at(context.mark))
        case .reader(let problem, let offset, _, let yaml):
            let line = 1 + yaml.utf8.prefix(max(0, offset ?? 0)).count { $0 == UInt8(ascii: "\n") }
            return DocumentError("the file holds a character that YAML does not allow: \(problem)", at: SourcePlace(file: file, line: line))
        default:
            return DocumentError("this is not valid YAML; check its indentation and quotes", at: SourcePlace(file: file, line: 0))
        }
    }
}
