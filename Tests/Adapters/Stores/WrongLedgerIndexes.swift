// Ledgers with wrong subjects, heads, roots or proofs.
import Conformance
import Evidence
import Ports
import Primitives

extension WrongLedger {
    static let indexes = [
        WrongLedger("answers the newest entry about a digest first", breaks: .subjects) { store, _ in about(&store) { $0.reversed() } },
        WrongLedger("answers an entry once for each time it names the digest", breaks: .subjects) { store, _ in
            about(&store) { $0.flatMap { $0.index == 3 ? [$0, $0] : [$0] } }
        },
        WrongLedger("forgets the second subject of an entry", breaks: .subjects) { store, _ in about(&store) { $0.filter { $0.stream.text != "m" } } },
        WrongLedger("takes prefixes for patterns", breaks: .heads) { store, world in
            store.onHeads = { prefix, answer throws(LedgerStoreError) in
                guard prefix.contains("_") else { return answer }
                return try await world.base.heads(prefix: "").filter { $0.stream.text.utf8.starts(with: "release/a".utf8) && $0.stream.text.utf8.count > 9 }
            }
        },
        WrongLedger("does not tell upper from lower case", breaks: .heads) { store, world in
            store.onHeads = { prefix, _ throws(LedgerStoreError) in
                try await world.base.heads(prefix: "").filter { $0.stream.text.lowercased().hasPrefix(prefix.lowercased()) }
            }
        },
        WrongLedger("answers heads in the order of their last change", breaks: .heads) { store, _ in
            store.onHeads = { prefix, answer in prefix == "" && answer.count > 3 ? answer.sorted { $0.revision < $1.revision } : answer }
        },
        WrongLedger("sorts heads by the rules of a language", breaks: .heads) { store, _ in
            store.onHeads = { prefix, answer in prefix == "" ? answer.sorted { $0.stream.text.lowercased() < $1.stream.text.lowercased() } : answer }
        },
        WrongLedger("keeps the first head of a stream", breaks: .heads) { store, _ in
            store.onHeads = { _, answer in
                answer.map { $0.stream.text == "release/a" && $0.revision == 3 ? StreamHead(stream: $0.stream, revision: 3, body: Array("{\"after\":\"release/a 1\"}".utf8)) : $0 }
            }
        },
        WrongLedger("takes the next stream for one without entries", breaks: .heads) { store, world in
            store.onHead = { stream, answer throws(LedgerStoreError) in
                guard answer == nil else { return answer }
                return try await world.base.heads(prefix: stream.text).first
            }
        },
    ]

    static let proofs = [
        WrongLedger("has the root of the entries but one", breaks: .position) { store, world in
            store.onPosition = { answer throws(LedgerStoreError) in
                var frontier = MerkleFrontier()
                for stored in try await world.base.all().dropLast() { _ = frontier.append(leafHash: stored.entry.leafHash) }
                return LedgerPosition(size: answer.size, root: frontier.root)
            }
        },
        WrongLedger("hashes an odd leaf with itself", breaks: .position) { store, world in
            store.onPosition = { answer throws(LedgerStoreError) in
                guard answer.size == 3, let last = try await world.base.all().last else { return answer }
                let leaves = try await world.base.all().map(\.entry.leafHash)
                return LedgerPosition(size: 3, root: MerkleHash.node(MerkleHash.node(leaves[0], leaves[1]), MerkleHash.node(last.entry.leafHash, last.entry.leafHash)))
            }
        },
        WrongLedger("calls the root of nothing zero", breaks: .position) { store, _ in
            store.onPosition = { answer in Digest(bytes: [UInt8](repeating: 0, count: 32)).map { answer.size == 0 ? LedgerPosition(size: 0, root: $0) : answer } ?? answer }
        },
        WrongLedger("proves an entry in the whole ledger only", breaks: .inclusion) { store, world in
            store.onInclusion = { index, size, answer throws(LedgerStoreError) in
                let all = try await world.base.position().size
                return answer == nil || size == 0 ? answer : try await world.base.inclusionProof(of: index, in: all)
            }
        },
        WrongLedger("proves what is out of range with nothing", breaks: .inclusion) { store, _ in store.onInclusion = { index, _, answer in index < 0 ? [] : answer } },
        WrongLedger("proves the last entry of a larger ledger", breaks: .inclusion) { store, _ in store.onInclusion = { _, size, answer in size == 20 ? [] : answer } },
        WrongLedger("orders an audit path from the root", breaks: .inclusion) { store, _ in store.onInclusion = { _, _, answer in answer?.reversed() } },
        WrongLedger("has no proof from the empty ledger", breaks: .consistency) { store, _ in store.onConsistency = { old, _, answer in old == 0 ? nil : answer } },
        WrongLedger("gives the old root with every proof", breaks: .consistency) { store, _ in
            store.onConsistency = { old, _, answer in answer.map { old == 4 ? [Digest.of("root of four")] + $0 : $0 } }
        },
        WrongLedger("proves a shrinking ledger", breaks: .consistency) { store, _ in store.onConsistency = { old, new, answer in old == 6 && new == 5 ? [] : answer } },
    ]

    private static func about(_ store: inout OpenLedger, _ change: @escaping @Sendable ([StoredEntry]) -> [StoredEntry]) {
        let honest = store.onEntries
        store.onEntries = { read, answer throws(LedgerStoreError) in
            let kept = try await honest(read, answer)
            return read == "about" ? change(kept) : kept
        }
    }
}
