// in-toto statements: what was found out about which digests.
package import Primitives

/// An in-toto Statement v1. Always carried in an envelope of type `Statement.payloadType`.
package struct Statement<Predicate: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
    package struct Subject: Codable, Hashable, Sendable {
        package var name: String
        /// in-toto's digest set: algorithm to hex.
        package var digest: [String: String]

        package init(name: String, digest: Digest) {
            self.name = name
            self.digest = ["sha256": digest.hex]
        }
    }

    package static var statementType: String { "https://in-toto.io/Statement/v1" }

    package var type = Self.statementType
    package var subject: [Subject]
    package var predicateType: String
    package var predicate: Predicate

    package init(about subject: [Subject], predicateType: String, predicate: Predicate) {
        self.subject = subject
        self.predicateType = predicateType
        self.predicate = predicate
    }

    package func isStatement(_ predicateType: String) -> Bool { type == Self.statementType && self.predicateType == predicateType }

    package func isAbout(_ digest: Digest) -> Bool { subject.contains { $0.digest["sha256"] == digest.hex } }

    private enum CodingKeys: String, CodingKey {
        case type = "_type"
        case subject, predicateType, predicate
    }
}

/// in-toto's media type for statements in DSSE.
package let statementPayloadType = "application/vnd.in-toto+json"
