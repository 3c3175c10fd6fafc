// A folder as a value: its files by path, what may be executed, and one digest over all of it.
package import Primitives

/// What somebody who walked a folder found at one path. Folders themselves are not listed: an empty one leaves no trace.
package struct TreeEntry: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case file(content: Digest, isExecutable: Bool)
        case symbolicLink
        /// A device, a socket or a pipe.
        case special
    }

    /// Relative to the folder.
    package var path: ProjectPath
    package var kind: Kind

    package init(path: ProjectPath, kind: Kind) {
        self.path = path
        self.kind = kind
    }
}

package struct TreeDigest: Hashable, Sendable {
    package static let mostFiles = 100_000

    package struct File: Hashable, Sendable {
        package var path: ProjectPath
        package var content: Digest
        /// By its owner; the other bits of the mode, owners and times are not part of a tree.
        package var isExecutable: Bool
    }

    /// By the bytes of their paths.
    package let files: [File]
    package let digest: Digest

    /// The entries may come in any order. Links are refused, since what they lead to could change while they stay the same.
    package init(of entries: some Sequence<TreeEntry>) throws(PipelineError) {
        var files: [File] = []
        for entry in entries {
            switch entry.kind {
            case .file(let content, let isExecutable): files.append(File(path: entry.path, content: content, isExecutable: isExecutable))
            case .symbolicLink: throw PipelineError(.tree, "'\(entry.path)' is a symbolic link; put the file itself there")
            case .special: throw PipelineError(.tree, "'\(entry.path)' is neither a file nor a folder; take it away")
            }
        }
        try self.init(unsorted: files)
    }

    private init(unsorted: [File]) throws(PipelineError) {
        guard unsorted.count <= Self.mostFiles else {
            throw PipelineError(.tree, "the folder has \(unsorted.count) files, and at most \(Self.mostFiles) are taken; pack them")
        }
        files = unsorted.sorted { $0.path < $1.path }
        var paths: Set<ProjectPath> = []
        for file in files where !paths.insert(file.path).inserted { throw PipelineError(.tree, "'\(file.path)' stands twice in the folder") }
        for file in files {
            var folder = file.path.folder
            while let path = folder {
                guard !paths.contains(path) else { throw PipelineError(.tree, "'\(path)' is a file and a folder at once") }
                folder = path.folder
            }
        }
        var encoder = CanonicalEncoder(kind: "tree", version: 1)
        encoder.list("files", files) { encoder, file in
            encoder.field("path", file.path.text)
            encoder.field("executable", file.isExecutable)
            encoder.field("content", file.content)
        }
        digest = encoder.digest
    }
}

extension TreeDigest.File: Codable {
    private enum CodingKeys: String, CodingKey {
        case path, content
        case isExecutable = "executable"
    }
}

/// The list of files; the digest is computed anew when it is read.
extension TreeDigest: Codable {
    package init(from decoder: any Decoder) throws { try self.init(unsorted: try decoder.singleValueContainer().decode([File].self)) }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(files)
    }
}

extension TreeDigest {
    package struct Change: Hashable, Sendable, Codable {
        /// Frozen: the reasons of a run hold it.
        package enum Kind: String, Hashable, Sendable, Codable {
            case added, removed, changed
        }

        package var path: ProjectPath
        package var kind: Kind

        package init(path: ProjectPath, kind: Kind) {
            self.path = path
            self.kind = kind
        }
    }

    /// The files that differ, by path. A file whose content stays and that may now be executed is changed.
    package func changes(since earlier: TreeDigest) -> [Change] {
        let before = Dictionary(earlier.files.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        let after = Set(files.map(\.path))
        let kept = files.compactMap { file in
            before[file.path].map { $0 == file ? nil : Change(path: file.path, kind: .changed) } ?? Change(path: file.path, kind: .added)
        }
        let removed = earlier.files.filter { !after.contains($0.path) }.map { Change(path: $0.path, kind: .removed) }
        return (kept + removed).sorted { $0.path < $1.path }
    }
}
