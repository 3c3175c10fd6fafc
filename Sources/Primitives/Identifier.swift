// Names that people give to things, typed by what they name.

/// A name of one kind of thing. The grammar is `[a-z0-9][a-z0-9._-]{0,62}` without `..`, so that a name is safe in a URL, a log line and a
/// table; it never becomes part of a path all the same. Two kinds of names do not compare.
package struct Identifier<Subject>: Hashable, Sendable {
    package let text: String

    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard (1...63).contains(bytes.count), let first = bytes.first, Self.isAlphanumeric(first), !text.contains(".."),
            bytes.allSatisfy({ Self.isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") })
        else { return nil }
        self.text = String(text)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// The sentence for people who gave a name that cannot be one.
    package static func refusal(of text: some StringProtocol) -> String {
        "'\(text.shown(80))' is not a name: use 1 to 63 of a-z, 0-9, '.', '_' and '-', starting with a letter or digit"
    }
}

extension Identifier: CustomStringConvertible {
    package var description: String { text }
}

extension Identifier: Comparable {
    package static func < (left: Identifier, right: Identifier) -> Bool { left.text < right.text }
}

extension Identifier: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let name = Identifier(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: Self.refusal(of: text))
        }
        self = name
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

extension Identifier: CodingKeyRepresentable {
    package var codingKey: any CodingKey { PlainKey(text) }

    package init?(codingKey: some CodingKey) { self.init(codingKey.stringValue) }
}

private struct PlainKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ text: String) { stringValue = text }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
}

package enum SystemSubject {}
package enum EnvironmentSubject {}
package enum PersonSubject {}
package enum RoleSubject {}
package enum NodeSubject {}
package enum ModelSubject {}
package enum ServiceSubject {}
package enum ReleaseSubject {}

/// The installation as a whole: what `penstock init` names.
package typealias SystemName = Identifier<SystemSubject>
/// `dev`, `staging`, `production`, or another name a team chose.
package typealias EnvironmentName = Identifier<EnvironmentSubject>
package typealias PersonID = Identifier<PersonSubject>
package typealias Role = Identifier<RoleSubject>
package typealias NodeID = Identifier<NodeSubject>
package typealias ModelName = Identifier<ModelSubject>
/// A decision service.
package typealias ServiceName = Identifier<ServiceSubject>
/// One release: `<service>-<number>`, numbered from 0 for the fallback.
package typealias ReleaseID = Identifier<ReleaseSubject>

extension StringProtocol {
    /// The beginning of a stranger's text, for messages. Counted in scalars: one character can be of any length.
    package func shown(_ limit: Int) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: unicodeScalars.prefix(limit))
        return String(view)
    }
}
