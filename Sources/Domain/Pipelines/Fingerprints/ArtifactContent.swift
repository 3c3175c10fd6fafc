// What an input, a source or an output holds, named by digest.
package import Primitives

/// A file's bytes or a folder's tree. They are kept apart, because a file could hold just the bytes that a tree is digested over.
package enum ArtifactContent: Hashable, Sendable {
    /// The SHA-256 of the bytes.
    case file(Digest)
    /// `TreeDigest.digest`.
    case tree(Digest)

    package var digest: Digest {
        switch self {
        case .file(let digest), .tree(let digest): digest
        }
    }
}

/// Frozen: `sha256:…` for a file, `tree:sha256:…` for a folder.
extension ArtifactContent: CustomStringConvertible {
    package var description: String {
        switch self {
        case .file(let digest): digest.description
        case .tree(let digest): "tree:" + digest.description
        }
    }

    package init?(parsing text: String) {
        if text.hasPrefix("tree:") {
            guard let digest = Digest(parsing: text.dropFirst(5)) else { return nil }
            self = .tree(digest)
        } else {
            guard let digest = Digest(parsing: text) else { return nil }
            self = .file(digest)
        }
    }
}

extension ArtifactContent: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let content = ArtifactContent(parsing: text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(cut(text, to: 80))' names no content by its digest")
        }
        self = content
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
