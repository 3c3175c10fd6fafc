// What the sentences about subjects, heads, roots and proofs mean.
internal import Evidence
internal import Ports
internal import Primitives

extension LedgerStoreChecks {
    func subjects() async throws {
        let one = Digest.of("one"), two = Digest.of("two")
        // Later names first, so that ledger order is not the order of names; one entry names the same digest twice.
        let commits: [(String, [[Digest]])] = [("z", [[one], [two]]), ("b", [[], [one, one]]), ("a", [[one, two]]), ("m", [[two, one]]), ("c", [[]])]
        for (stream, subjects) in commits {
            var made = append(stream, at: 0, subjects.indices.map { "\(stream)\($0)" })
            made.subjects = subjects
            _ = try await store.commit([made])
        }
        for (name, digest, expected) in [("the first", one, [0, 3, 4, 5]), ("the second", two, [1, 4, 5]), ("an unknown", Digest.of("unknown"), [])] {
            let found = try await store.entries(about: digest).map(\.index)
            try require(found == expected, "the entries about \(name) digest are \(expected), and \(found) came")
        }
    }

    func heads() async throws {
        let names = ["release/b", "release/a", "release/B", "releases", "model/x/1", "release", "release/a%", "release/a_c", "release/abc", "node/\u{E9}", "node/z"]
        for (count, name) in names.enumerated() {
            _ = try await store.commit([append(name, at: 0, (0...count).map { "\(name) \($0)" })])
        }
        _ = try await store.commit([append("release/a", at: 2, ["release/a 2"])])
        let revisions = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $1 == "release/a" ? 3 : $0 + 1) })
        for prefix in ["", "release/", "release/a", "RELEASE/", "release/a_", "release/a%", "%", "release/b/", "node/", "node/\u{E9}", "zz"] {
            let expected = names.filter { $0.utf8.starts(with: prefix.utf8) }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            let found = try await store.heads(prefix: prefix)
            try require(found.map(\.stream.text) == expected, "the names that begin with '\(prefix)' are \(expected), and \(found.map(\.stream.text)) came")
            for head in found {
                let revision = revisions[head.stream.text] ?? 0
                try require(head.revision == revision, "'\(head.stream)' has \(revision) entries, and its head says \(head.revision)")
                let body = Array("{\"after\":\"\(head.stream) \(revision - 1)\"}".utf8)
                try require(head.body == body, "the head of '\(head.stream)' is not the last that was committed")
            }
        }
        try require(try await store.head(of: StreamID("release/")) == nil, "there is a head for a stream without entries")
    }

    /// Commits `count` single entries and answers their leaf hashes.
    private func grow(_ count: Int) async throws -> [Digest] {
        var leaves: [Digest] = []
        for step in 0..<count {
            leaves.append(entry("\(step)").leafHash)
            _ = try await store.commit([append("stream", at: step, ["\(step)"])])
        }
        return leaves
    }

    func position() async throws {
        let empty = try await store.position()
        try require(empty == LedgerPosition(size: 0, root: merkleRoot([])), "an empty ledger is at \(empty.size) with root \(empty.root.short)")
        var leaves: [Digest] = []
        for step in 0..<20 {
            leaves.append(entry("\(step)").leafHash)
            let returned = try await store.commit([append("stream", at: step, ["\(step)"])]), expected = LedgerPosition(size: leaves.count, root: merkleRoot(leaves[...]))
            for (name, found) in [("commit", returned), ("position", try await store.position())] {
                try require(found == expected, "with \(expected.size) entries and root \(expected.root.short), \(name) says \(found.size) and \(found.root.short)")
            }
        }
    }

    func inclusion() async throws {
        let leaves = try await grow(19)
        for size in 1...leaves.count {
            let root = merkleRoot(leaves[..<size])
            for index in 0..<size {
                let proof = try await store.inclusionProof(of: index, in: size)
                guard let proof else { throw Unmet(seen: "there is no proof of entry \(index) among the first \(size)") }
                let isRight = MerkleProof.verifyInclusion(of: leaves[index], at: index, in: size, root: root, proof: proof)
                try require(isRight, "the proof of entry \(index) among the first \(size) does not lead to their root")
            }
        }
        for (index, size) in [(0, 0), (-1, 5), (5, 5), (6, 5), (0, 20), (19, 20), (0, -1), (0, .max), (.max, .max), (.min, 5), (3, .min)] {
            try require(try await store.inclusionProof(of: index, in: size) == nil, "a proof of entry \(index) among \(size) came, with \(leaves.count) entries")
        }
    }

    func consistency() async throws {
        let leaves = try await grow(19)
        let roots = (0...leaves.count).map { merkleRoot(leaves[..<$0]) }
        for new in 0...leaves.count {
            for old in 0...new {
                let proof = try await store.consistencyProof(from: old, to: new)
                guard let proof else { throw Unmet(seen: "there is no proof from size \(old) to \(new)") }
                let isRight = MerkleProof.verifyConsistency(from: old, root: roots[old], to: new, root: roots[new], proof: proof)
                try require(isRight, "the proof from size \(old) to \(new) does not lead to their roots")
            }
        }
        for (old, new) in [(6, 5), (-1, 5), (0, 20), (3, 20), (20, 20), (0, -1), (3, .max), (.max, .max), (.min, 5), (.min, .min)] {
            try require(try await store.consistencyProof(from: old, to: new) == nil, "a proof from size \(old) to \(new) came, with \(leaves.count) entries")
        }
    }
}
