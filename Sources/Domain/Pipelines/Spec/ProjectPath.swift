// Paths inside a project: relative, without a way out.

/// The path of a file or folder below the folder of `penstock.yaml`, in one spelling: names joined by `/`.
///
/// `./` and a last `/` are taken off when it is read. `..`, absolute paths, empty names, control characters and the project itself are
/// refused. Looked at and compared by scalars, never by characters: two spellings of one accent are two files, and a slash before a combining
/// mark is still a slash.
package struct ProjectPath: Sendable {
    package static let mostBytes = 1024
    /// What Linux file systems take for one name.
    package static let mostNameBytes = 255

    package let text: String

    package init?(_ text: some StringProtocol) {
        guard Self.fault(in: text) == nil else { return nil }
        self.text = Self.names(of: text).joined(separator: "/")
    }

    /// The sentence for people who gave a path that cannot be one.
    package static func refusal(of text: some StringProtocol) -> String {
        "'\(cut(text, to: 80))' is no path inside the project: \(fault(in: text) ?? "write it relative to the folder of penstock.yaml")"
    }

    /// The folder that holds this; `nil` directly in the project.
    package var folder: ProjectPath? {
        guard let slash = text.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        return ProjectPath(text[..<slash])
    }

    package func appending(_ path: ProjectPath) -> ProjectPath? { ProjectPath(text + "/" + path.text) }

    /// The first of its names.
    package var root: String { String(text.unicodeScalars.prefix { $0 != "/" }) }

    private static func names(of text: some StringProtocol) -> [String] {
        var names = text.unicodeScalars.split(separator: "/", omittingEmptySubsequences: false).map { String(String.UnicodeScalarView($0)) }
        if names.count > 1, names.last?.isEmpty == true { names.removeLast() }
        return names.filter { $0 != "." }
    }

    private static func fault(in text: some StringProtocol) -> String? {
        if text.isEmpty { return "it is empty" }
        if text.unicodeScalars.first == "/" { return "it is absolute; write it relative to the folder of penstock.yaml" }
        guard text.unicodeScalars.allSatisfy({ $0.value > 0x1f && $0.value != 0x7f }) else { return "it holds a control character" }
        let names = names(of: text)
        if names.isEmpty { return "it is the project itself; name a file or folder in it" }
        if names.contains("..") { return "'..' leads out; everything that a stage uses lies in the project" }
        if names.contains("") { return "it has an empty name between two slashes" }
        if names.contains(where: { $0.utf8.count > mostNameBytes }) || text.utf8.count > mostBytes {
            return "a name has at most \(mostNameBytes) bytes, and a path \(mostBytes)"
        }
        return nil
    }
}

extension ProjectPath: Hashable {
    package static func == (left: ProjectPath, right: ProjectPath) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    package func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }
}

extension ProjectPath: Comparable {
    package static func < (left: ProjectPath, right: ProjectPath) -> Bool { left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }
}

extension ProjectPath: CustomStringConvertible {
    package var description: String { text }
}

extension ProjectPath: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let path = ProjectPath(text) else { throw DecodingError.dataCorruptedError(in: container, debugDescription: Self.refusal(of: text)) }
        self = path
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
